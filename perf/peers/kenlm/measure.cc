// The same as kenlm_measure.rs of perf/peers/rust, with KenLM: its model classes by template, as its own
// query program uses them.
#include "lm/model.hh"
#include "util/usage.hh"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace lm::ngram;
typedef std::chrono::steady_clock Clock;

double seconds(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

template <class Model> void run(const char *path, const char *sentences, int repeats, const Config &config) {
  Clock::time_point start = Clock::now();
  Model model(path, config);
  double loaded = seconds(start);
  std::vector<std::vector<lm::WordIndex> > lines;
  std::ifstream in(sentences);
  std::string line, word;
  size_t queries = 0;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    lines.emplace_back();
    while (words >> word) lines.back().push_back(model.GetVocabulary().Index(word));
    queries += lines.back().size();
  }
  double best = 1e9, sum = 0;
  for (int r = 0; r < repeats; ++r) {
    sum = 0;
    start = Clock::now();
    for (const auto &line : lines) {
      State states[2];
      states[0] = model.BeginSentenceState();
      int at = 0;
      for (lm::WordIndex word : line) {
        sum += model.FullScore(states[at], word, states[1 - at]).prob;
        at = 1 - at;
      }
    }
    best = std::min(best, seconds(start));
  }
  std::printf("KenLM %s: loaded in %.1f ms; %zu queries, %.2f million a second, sum %.6f\n", path, 1e3 * loaded, queries, queries / best / 1e6, sum);
}

int main(int argc, char **argv) {
  int repeats = argc > 3 ? std::atoi(argv[3]) : 5;
  Config config;
  config.show_progress = false;
  config.messages = NULL;
  config.load_method = util::POPULATE_OR_READ; // the default
  if (argc > 4) config.load_method = util::LAZY;
  ModelType type = PROBING;
  RecognizeBinary(argv[1], type);
  switch (type) {
    case PROBING: run<ProbingModel>(argv[1], argv[2], repeats, config); break;
    case REST_PROBING: run<RestProbingModel>(argv[1], argv[2], repeats, config); break;
    case TRIE: run<TrieModel>(argv[1], argv[2], repeats, config); break;
    case QUANT_TRIE: run<QuantTrieModel>(argv[1], argv[2], repeats, config); break;
    case ARRAY_TRIE: run<ArrayTrieModel>(argv[1], argv[2], repeats, config); break;
    case QUANT_ARRAY_TRIE: run<QuantArrayTrieModel>(argv[1], argv[2], repeats, config); break;
  }
}

// Builds a rest probing file with the highest P to the left as rest cost: build_binary can only
// build those of lower-order models.
#include "lm/model.hh"
int main(int argc, char **argv) {
  lm::ngram::Config config;
  config.show_progress = false;
  config.write_mmap = argv[2];
  config.rest_function = lm::ngram::Config::REST_MAX;
  config.sentence_marker_missing = lm::SILENT;
  lm::ngram::RestProbingModel(argv[1], config);
}

"""Beam search for ``generate`` of Hugging Face transformers.

Hand it over where the model generates::

    import widebeam.hf

    model.generate(**inputs, num_beams=4, max_new_tokens=64, custom_generate=widebeam.hf.beam_search)

It takes over ``num_beams``, ``num_return_sequences``, ``length_penalty``, ``early_stopping``, the
maximum length, end tokens, stopping criteria and every logits processor, and finds what
transformers' own search finds. Scores are added in f64. Stop strings come as a criterion,
``stopping_criteria=[StopStringCriteria(tokenizer, ["\\n"])]``, since transformers keeps the tokenizer
of ``generate(stop_strings=..., tokenizer=...)`` from functions. Where fewer hypotheses are
possible than are to be returned, theirs fills the places with impossible ones; here they are padding,
with the same score of -1e9.

``num_beam_groups`` with ``diversity_penalty`` (diverse beams) and ``force_words_ids`` (words that
must occur), which transformers has moved to remote code, work without it. ``do_sample`` draws from
the distribution that transformers' beam sampling draws from; its draws follow from torch's seed, and
are others.

What it does not take over raises NotImplementedError: criteria that depend on the time or on scores,
``constraints``, streamers, and outputs of scores, logits, attentions or hidden states.

It drives methods of transformers that are private, and is tested with 5.x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._autoregressive import AutoregressiveSearch
from ._widebeam import Outcome, Rules

__all__ = ["beam_search"]

# What versions of transformers call the cache of a model.
_CACHES = ("cache", "past_key_values", "cache_params", "state", "mems", "past_buckets_states")
_OUTPUTS = ("output_scores", "output_logits", "output_attentions", "output_hidden_states")


def beam_search(
    model: Any,
    input_ids: Any,
    logits_processor: Any = None,
    stopping_criteria: Any = None,
    generation_config: Any = None,
    **model_kwargs: Any,
) -> Any:
    """Generates with beams, for ``generate(custom_generate=widebeam.hf.beam_search)``.

    ``input_ids`` is ``[batch * num_beams, length]``, each prompt ``num_beams`` times. Returns
    ``[batch * num_return_sequences, length]``, or with ``return_dict_in_generate`` the output
    class of transformers with ``sequences`` and ``sequences_scores``.
    """
    import torch  # type: ignore[import-not-found,unused-ignore]

    _refuse(generation_config, stopping_criteria, model_kwargs)
    beams = generation_config.num_beams
    rows, prompt_length = input_ids.shape
    ends = generation_config._eos_token_tensor
    fill = _fill(generation_config)
    settings = _settings(generation_config)

    with torch.no_grad():
        outputs = model._prefill(
            input_ids, generation_config, model_kwargs, is_first_iteration=True
        )
        search = AutoregressiveSearch(outputs.logits.shape[-1], arrays="torch")
        requests = [
            search.admit(
                prompt,
                beams=beams,
                max_length=generation_config.max_length - prompt_length,
                end_tokens=[] if ends is None else ends.tolist(),
                rules=Rules.hugging_face(
                    generation_config.length_penalty, generation_config.early_stopping
                ),
                n_best=generation_config.num_return_sequences,
                ends_when=_ends_when(stopping_criteria, input_ids.device, torch),
                **settings,
                **_drawn(generation_config, torch),
            )
            for prompt in input_ids[::beams].tolist()
        ]
        # The model has `beams` rows for each request, whether it has so many hypotheses or not.
        first_row = {request: place * beams for place, request in enumerate(requests)}
        sequences, feed = input_ids, search.feed()
        places = _places(feed, first_row, torch)
        while True:
            model_kwargs = model._update_model_kwargs_for_generation(
                outputs, model_kwargs, is_encoder_decoder=model.config.is_encoder_decoder
            )
            logits = outputs.logits[:, -1].to(dtype=torch.float32, device=input_ids.device)
            del outputs
            scores = torch.nn.functional.log_softmax(logits, dim=-1)
            if logits_processor is not None:
                scores = logits_processor(sequences, scores)
            search.advance(scores[places.to(scores.device)].cpu().contiguous(), "log-probs")
            if search.is_idle:
                break
            feed = search.feed()
            parents = torch.arange(rows)
            # A row without a hypothesis reads some token; without end tokens `fill` is none.
            tokens = torch.full([rows], max(fill, 0))
            before, places = places, _places(feed, first_row, torch)
            parents[places] = before[feed.parents]
            tokens[places] = feed.tokens
            parents, tokens = parents.to(input_ids.device), tokens.to(input_ids.device)
            sequences = torch.cat([sequences[parents], tokens[:, None]], dim=-1)
            _reorder(model, model_kwargs, parents)
            inputs = model.prepare_inputs_for_generation(
                sequences,
                next_sequence_length=1 if model_kwargs["use_cache"] else None,
                **model_kwargs,
            )
            outputs = model(**inputs, return_dict=True)

    outcomes = [search.outcome(request) for request in requests]
    return _results(model, generation_config, input_ids[::beams], outcomes, fill, torch)


def _refuse(config: Any, criteria: Any, model_kwargs: dict[str, Any]) -> None:
    """Refuses what the search does not take over."""
    if model_kwargs.pop("synced_gpus", False):
        raise NotImplementedError("synced_gpus=True is not taken over")
    if model_kwargs.pop("streamer", None) is not None:
        raise NotImplementedError("a streamer is not taken over")
    for name in _OUTPUTS:
        if getattr(config, name, False) and config.return_dict_in_generate:
            raise NotImplementedError(f"{name}=True is not taken over")
    if getattr(config, "constraints", None):
        raise NotImplementedError("constraints: only force_words_ids are taken over")
    for criterion in criteria or ():
        named = type(criterion).__name__
        if named in ("MaxTimeCriteria", "ConfidenceCriteria"):
            raise NotImplementedError(f"the stopping criterion {named} is not taken over")


def _settings(config: Any) -> dict[str, Any]:
    """Diverse groups and required words, as the search has them."""
    settings: dict[str, Any] = {}
    groups = getattr(config, "num_beam_groups", None) or 1
    if groups > 1:
        settings["groups"] = (groups, getattr(config, "diversity_penalty", None) or 0.0)
    words = getattr(config, "force_words_ids", None)
    if words:
        # A word is its tokens, or a list of the words of which one must occur.
        settings["required"] = [[word] if isinstance(word[0], int) else word for word in words]
    return settings


def _drawn(config: Any, torch: Any) -> dict[str, Any]:
    """How the continuations of one request are drawn, if they are."""
    if not config.do_sample:
        return {}
    return {"sampling": "beam-sampling", "seed": int(torch.randint(2**63 - 1, ()))}


def _ends_when(criteria: Any, device: Any, torch: Any) -> Callable[[list[int]], bool] | None:
    """What ends a hypothesis beside its length and end tokens, which the search knows."""
    known = ("MaxLengthCriteria", "EosTokenCriteria")
    others = [criterion for criterion in criteria or () if type(criterion).__name__ not in known]
    if not others:
        return None

    def ends(tokens: list[int]) -> bool:
        with torch.no_grad():
            sequence = torch.tensor([tokens], device=device)
            return any(bool(torch.all(criterion(sequence, None))) for criterion in others)

    return ends


def _fill(config: Any) -> int:
    """What transformers puts behind a sequence that is shorter than others: the padding token,
    but for the token 0 an end token."""
    if config._eos_token_tensor is None:
        return -1
    pad = config._pad_token_tensor
    return int(pad if pad else config._eos_token_tensor[0])


def _places(feed: Any, first_row: dict[Any, int], torch: Any) -> Any:
    """The row of the model for each row of the search."""
    places = [
        first_row[request] + place
        for request, first, last in feed.requests
        for place in range(last - first)
    ]
    return torch.tensor(places, dtype=torch.int64)


def _reorder(model: Any, model_kwargs: dict[str, Any], parents: Any) -> None:
    """Moves the rows of the model's cache."""
    name = next((name for name in _CACHES if model_kwargs.get(name) is not None), None)
    if name is None:
        if model_kwargs["use_cache"]:
            raise NotImplementedError(f"{type(model).__name__}: its cache has an unknown name")
        return
    cache = model_kwargs[name]
    if hasattr(model, "_reorder_cache"):
        model_kwargs[name] = model._reorder_cache(cache, parents)
    elif hasattr(cache, "reorder_cache"):
        cache.reorder_cache(parents)
    else:
        raise NotImplementedError(f"the cache {name} of {type(model).__name__} cannot be reordered")


def _results(
    model: Any,
    config: Any,
    prompts: Any,
    outcomes: list[Outcome | None],
    fill: int,
    torch: Any,
) -> Any:
    wanted = config.num_return_sequences
    found = [[] if outcome is None else outcome.hypotheses[:wanted] for outcome in outcomes]
    longest = max((len(h.tokens) for item in found for h in item), default=0)
    count, length = len(found) * wanted, prompts.shape[1]
    sequences = torch.full([count, length + longest], fill)
    # As there: a place without a hypothesis has this score.
    scores = torch.full([count], -1e9)
    for item, hypotheses in enumerate(found):
        for rank in range(wanted):
            row = item * wanted + rank
            sequences[row, :length] = prompts[item].cpu()
            if rank < len(hypotheses):
                tokens = hypotheses[rank].tokens
                sequences[row, length : length + len(tokens)] = tokens
                scores[row] = hypotheses[rank].score
    sequences, scores = sequences.to(prompts.device), scores.to(prompts.device)
    if not config.return_dict_in_generate:
        return sequences
    from transformers import generation  # type: ignore[import-not-found,unused-ignore]

    name = "EncoderDecoder" if model.config.is_encoder_decoder else "DecoderOnly"
    output = getattr(generation, f"GenerateBeam{name}Output")
    return output(sequences=sequences, sequences_scores=scores)

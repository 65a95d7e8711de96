"""Tokenizers of the transformers library: equal ids for every representation, saved and loaded."""

import random

import pytest
from transformers import AutoTokenizer

from partimento.representations import REPRESENTATIONS, create
from partimento.representations.pretrained import to_pretrained


def members():
    remi = create("remi")
    keys = [remi.tokens.index(f"Pitch_{pitch}") for pitch in (60, 64, 67)]
    yield from map(create, REPRESENTATIONS)
    yield create("bpe", merges=[keys[:2], [len(remi.tokens), keys[2]]])


@pytest.mark.parametrize("rep", list(members()), ids=lambda rep: rep.name)
def test_ids_and_roles_are_those_of_the_representation_and_stay_so(rep, tmp_path):
    to_pretrained(rep).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    ids = [*range(min(len(rep.tokens), 3000)), *random.Random(0).choices(range(len(rep.tokens)), k=1000)]
    ids += [len(rep.tokens) - 1, *rep.special]
    text = " ".join(rep.tokens[token] for token in ids)
    assert tokenizer(text).input_ids == ids
    assert tokenizer.decode(ids) == text
    assert len(tokenizer) == len(rep.tokens)
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == rep.special


def test_words_that_are_no_tokens_are_refused():
    with pytest.raises(Exception, match=r"WordLevel"):
        to_pretrained(create("remi"))("BOS Kazoo")

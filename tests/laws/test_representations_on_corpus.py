"""The laws of representations on real music."""

import json

import pytest

from partimento.errors import BadFile
from partimento.io import load_scores
from partimento.plan import Compose
from partimento.representations import REPRESENTATIONS, create

FILES = 60


@pytest.fixture(scope="module")
def pieces(corpus):
    """Scores with a beat from files spread over the whole corpus."""
    lines = (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    paths = [corpus / json.loads(line)["path"] for line in lines[:: max(len(lines) // FILES, 1)]]
    scores = []
    for path in paths:
        try:
            scores += [score for score in load_scores(path)[:1] if len(score.measures)]
        except BadFile:
            continue
    assert len(scores) > FILES // 2
    return scores


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_real_music_keeps_the_laws(name, pieces):
    rep = create(name)
    for score in pieces:
        quantised, losses = rep.quantise(score)
        kept = sorted([*quantised.notes["note_id"].tolist(), *(x.note_id for x in losses if x.note_id >= 0)])
        assert kept == sorted(score.sounding().notes["note_id"].tolist())
        assert rep.quantise(quantised)[0] == quantised
        for piece, task in rep.windows(score, Compose(), 1024):
            ids = rep.encode(piece, task).ids
            assert len(ids) <= 1024
            assert rep.decode(ids, task) == piece
            _accept(rep, task, ids[:300].tolist())


def _accept(rep, task, ids):
    state = rep.start(task)
    for token in ids:
        assert any(low <= token < high for low, high in rep.allowed(state)), rep.tokens[token]
        state = rep.step(state, token)

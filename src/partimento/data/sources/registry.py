"""The public collections, and those that are not offered.

Sizes and checksums are the publishers' where they publish them (MAESTRO's page, Zenodo, the hub); those of Lakh are
the ones that MusPy and others publish, which agree. Archives that GitHub packs on demand have none: the commit says
what is in them, and their content is recorded at the first download and compared afterwards.
"""

from __future__ import annotations

from partimento.data.sources import layouts
from partimento.data.sources.entry import Entry, Remote

_GITHUB = "https://codeload.github.com/{}/zip/{}"
_LAKH = "http://hog.ee.columbia.edu/craffel/lmd/"
_ZENODO = "https://zenodo.org/api/records/15571083/files/{}/content"
_MIDICAPS = "https://huggingface.co/datasets/amaai-lab/MidiCaps/resolve/84d5b132f2776cc5276455fe90982b4ff768a6f5/"
_RAFFEL = (
    "Colin Raffel. Learning-Based Methods for Comparing Sequences, with Applications to Audio-to-MIDI Alignment and "
    "Matching. PhD thesis, Columbia University, 2016."
)
_SONGS = "The licence is that of the collection; most of the songs in it are in copyright."


def _github(repository: str, commit: str, size: int = 0) -> tuple[Remote, ...]:
    return (Remote(f"{repository.split('/')[1]}.zip", _GITHUB.format(repository, commit), size),)


SOURCES: dict[str, Entry] = {
    "midicaps": Entry(
        what="MIDI files of Lakh with captions in English",
        licence="CC-BY-SA-4.0",
        homepage="https://huggingface.co/datasets/amaai-lab/MidiCaps",
        citation="Jan Melechovsky, Abhinaba Roy, Dorien Herremans. MidiCaps: A Large-Scale MIDI Dataset with Text "
        "Captions. ISMIR 2024, arXiv:2406.02255.",
        files=168_385,
        format="MIDI",
        version="84d5b132f277",
        remotes=(
            Remote("midicaps.tar.gz", _MIDICAPS + "midicaps.tar.gz", 1_620_000_000, "hub"),
            Remote("train.json", _MIDICAPS + "train.json", 428_000_000, "hub", music=False),
        ),
        remarks="Splits are those of the anticipatory music transformer: ids that begin with 0 to d are for training, "
        "e for validation, f for testing. Where lakh-full is at hand, its files are used and only the captions are "
        "downloaded.",
        warning=_SONGS,
        rows=layouts.midicaps,
        options={"test_set": "the split of MidiCaps itself: its test set; of the rest, ids that begin with e validate"},
        borrows="lakh-full",
    ),
    "lakh-full": Entry(
        what="MIDI files from the web, of all kinds",
        licence="CC-BY-4.0",
        homepage="https://colinraffel.com/projects/lmd/",
        citation=_RAFFEL,
        files=178_561,
        format="MIDI",
        version="v0.1",
        remotes=(
            Remote(
                "lmd_full.tar.gz", _LAKH + "lmd_full.tar.gz", 1_768_163_879,
                "sha256:6fcfe2ac49ca08f3f214cec86ab138d4fc4dabcd7f27f491a838dae6db45a12b",
            ),
        ),
        remarks="A few thousand files are damaged. Its page says 176,581 files; the archive holds 178,561. Splits by "
        "the first digit of the id, as for midicaps.",
        warning=_SONGS,
        rows=layouts.lakh,
    ),
    "lakh-matched": Entry(
        what="the part of Lakh that is matched to recordings",
        licence="CC-BY-4.0",
        homepage="https://colinraffel.com/projects/lmd/",
        citation=_RAFFEL,
        files=116_189,
        format="MIDI",
        version="v0.1",
        remotes=(
            Remote(
                "lmd_matched.tar.gz", _LAKH + "lmd_matched.tar.gz", 1_407_072_670,
                "sha256:621ff830aed771f469e5bfa13dc12a33c6ed69090adeda63d0b5c47783af0191",
            ),
        ),
        remarks="45,129 different files, repeated for each recording that they match. Splits by the first digit of the "
        "id; the recording is the work.",
        warning=_SONGS,
        rows=layouts.lakh_matched,
    ),
    "pdmx": Entry(
        what="scores that users of MuseScore gave into the public domain",
        licence="CC-BY-4.0 (collection), CC0-1.0 or public domain (scores)",
        homepage="https://zenodo.org/records/15571083",
        citation="Phillip Long, Zachary Novack, Taylor Berg-Kirkpatrick, Julian McAuley. PDMX: A Large-Scale Public "
        "Domain MusicXML Dataset for Symbolic Music Processing. ICASSP 2025, arXiv:2409.10831.",
        files=222_856,
        format="MusicXML",
        version="15571083",
        remotes=(
            Remote("mxl.tar.gz", _ZENODO.format("mxl.tar.gz"), 1_894_335_797, "md5:49ffd75ecf5489c0be6d41182eb11ff7"),
            Remote("PDMX.csv", _ZENODO.format("PDMX.csv"), 225_399_738, "md5:30392ccf38bb63ce70e7afae70f9c88c"),
        ),
        remarks="Only the scores whose licence is not in doubt are used (subset no_license_conflict), as the authors "
        "advise. Arrangements of one title are one work.",
        warning="Users say of their own uploads that they are free; nobody has checked each of them.",
        suffixes=(".mxl",),
        rows=layouts.pdmx,
        options={
            "deduplicated": "one arrangement of each",
            "rated": "scores that users have rated",
            "rated_deduplicated": "both",
        },
    ),
    "maestro": Entry(
        what="piano competition performances",
        licence="CC-BY-NC-SA-4.0",
        homepage="https://magenta.withgoogle.com/datasets/maestro",
        citation="Curtis Hawthorne, Andriy Stasyuk, Adam Roberts, Ian Simon, Cheng-Zhi Anna Huang, Sander Dieleman, "
        "Erich Elsen, Jesse Engel, Douglas Eck. Enabling Factorized Piano Music Modeling and Generation with the "
        "MAESTRO Dataset. ICLR 2019.",
        files=1_276,
        format="MIDI",
        version="v3.0.0",
        remotes=(
            Remote(
                "maestro-v3.0.0-midi.zip",
                "https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0/maestro-v3.0.0-midi.zip",
                58_416_533,
                "sha256:70470ee253295c8d2c71e6d9d4a815189e35c89624b76d22fce5a019d5dde12c",
            ),
        ),
        remarks="Not for commercial use. Its own splits; a title of a composer is a work. Performances have no beats.",
        beside=(".csv",),
        strip=1,
        style="classical",
        rows=layouts.maestro,
    ),
    "pop909": Entry(
        what="piano arrangements of Chinese pop songs",
        licence="MIT (arrangements)",
        homepage="https://github.com/music-x-lab/POP909-Dataset",
        citation="Ziyu Wang, Ke Chen, Junyan Jiang, Yiyi Zhang, Maoran Xu, Shuqi Dai, Xianbin Gu, Gus Xia. POP909: A "
        "Pop-song Dataset for Music Arrangement Generation. ISMIR 2020.",
        files=2_898,
        format="MIDI",
        version="d83e6edba687",
        remotes=_github("music-x-lab/POP909-Dataset", "d83e6edba6872a704f5d3b8b32f5cb540088dae6", 50_105_665),
        remarks="909 songs and 1,989 other versions of them; the song is the work. Chords, beats and keys stand "
        "beside each. No split is published.",
        warning="The licence is given by the arrangers; the songs themselves are in copyright.",
        folder="POP909",
        strip=1,
        beside=(".txt",),
        style="pop",
        rows=layouts.pop909,
    ),
    "nottingham": Entry(
        what="folk tunes with chords",
        licence="GPL-3.0-only (edition), none stated (tunes)",
        homepage="https://github.com/jukedeck/nottingham-dataset",
        citation="Eric Foxley. Nottingham Music Database; cleaned by Jukedeck, 2017.",
        files=14,
        format="ABC",
        version="0992bb6cd864",
        remotes=_github("jukedeck/nottingham-dataset", "0992bb6cd864f6d4b90d6663e08c0ef53ffaa08f", 1_828_800),
        remarks="14 books with about a thousand tunes.",
        warning="Its licence is unclear: Eric Foxley's collection states none, the editors of the cleaned copy put "
        "theirs under the GPL. music21's copy (music21:nottingham-dataset) is refused for the same reason.",
        must_accept=True,
        folder="ABC_cleaned",
        strip=1,
        suffixes=(".abc",),
        style="folk",
    ),
    "openscore-lieder": Entry(
        what="nineteenth-century songs for voice and piano",
        licence="CC0-1.0",
        homepage="https://github.com/OpenScore/Lieder",
        citation="Mark Gotham, Peter Jonas. The OpenScore Lieder Corpus. Music Encoding Conference 2021.",
        files=1_382,
        format="MusicXML",
        version="bca122458de6",
        remotes=_github("OpenScore/Lieder", "bca122458de6da362abe62dd6aec62e25d7759b1"),
        folder="scores",
        strip=1,
        suffixes=(".mxl",),
        style="song",
    ),
    "openscore-string-quartets": Entry(
        what="string quartets, whole works",
        licence="CC0-1.0",
        homepage="https://github.com/OpenScore/StringQuartets",
        citation="Mark Gotham, Maureen Redbond, Bruno Bower, Peter Jonas. The OpenScore String Quartet Corpus. "
        "Digital Libraries for Musicology 2023.",
        files=115,
        format="MusicXML",
        version="2c723a5b7b4e",
        remotes=_github("OpenScore/StringQuartets", "2c723a5b7b4ea5420826116dfa912956c6a022c2"),
        folder="scores",
        strip=1,
        suffixes=(".mxl",),
        style="quartet",
    ),
    "openhymnal-abc": Entry(
        what="hymns in four parts",
        licence="public domain",
        homepage="https://github.com/mzealey/openhymnal",
        citation="The Open Hymnal Project, openhymnal.org.",
        files=261,
        format="ABC",
        version="d35811b2d5c9",
        remotes=_github("mzealey/openhymnal", "d35811b2d5c9b0bbc5887d60a2936454815416e8"),
        remarks="Only hymns that state it themselves are used.",
        strip=1,
        suffixes=(".abc",),
        style="hymn",
        requires="copyright: public domain",
    ),
    "freedoom-midi": Entry(
        what="the music of a free game",
        licence="BSD-3-Clause",
        homepage="https://freedoom.github.io",
        citation="Freedoom contributors, github.com/freedoom/freedoom.",
        files=94,
        format="MIDI",
        version="d14dbbee3b6f",
        remotes=_github("freedoom/freedoom", "d14dbbee3b6fbfb2c11cdb65eb61216e86d4ee85"),
        folder="musics",
        strip=1,
        suffixes=(".mid",),
        style="game",
    ),
    "openewld-leadsheets": Entry(
        what="lead sheets of songs long out of copyright",
        licence="public domain",
        homepage="https://github.com/00sapo/OpenEWLD",
        citation="Federico Simonetta, Filippo Carnovalini, Nicola Orio, Antonio Rodà. Symbolic Music Similarity "
        "through a Graph-Based Representation. Audio Mostly 2018.",
        files=90,
        format="MusicXML",
        version="ec03cbd809ca",
        remotes=_github("00sapo/OpenEWLD", "ec03cbd809ca5296ee708591b970d0423dcbe31c"),
        remarks="Only songs whose authors died long enough ago everywhere are used.",
        folder="dataset",
        strip=1,
        suffixes=(".mxl",),
        style="lead sheet",
        only="openewld_public_domain.txt",
    ),
    "chord-llama": Entry(
        what="halves of parts as YAML, on which Chord Llama was tuned",
        licence="Apache-2.0 (as stated)",
        homepage="https://huggingface.co/datasets/Chord-Llama/chord_llama_dataset",
        citation="Chord Llama, huggingface.co/Chord-Llama, 2024.",
        files=0,
        format="MusicXML as YAML",
        version="2c8f4ed66fd5",
        hub="Chord-Llama/chord_llama_dataset@2c8f4ed66fd57b7b16db853b7c9335cfa04b6f4c",
        remarks="About 100,000 rows.",
        size=950_000_000,
        warning="Its music comes from Wikifonia and MScoreLib and is partly in copyright, whatever the licence of the "
        "dataset says: look at it, compare with it, but do not publish what is trained on it.",
        must_accept=True,
    ),
}  # fmt: skip

_SESSION = (
    "the licence of The Session's data forbids any use with language models "
    "(github.com/adactio/TheSession-data, LICENSE.md); that holds for what is derived from it, too"
)
_ESSEN = "the Essen collection is for personal academic use only"
REFUSED: dict[str, str] = {
    "the-session": _SESSION,
    "hf:sander-wood/irishman": _SESSION,
    "essen": _ESSEN,
    "music21:essenFolksong": _ESSEN,
    "music21:nottingham-dataset": "its licence is not stated",
    "wikifonia": "it was closed because its songs are in copyright",
}
"""Collections that are not offered, and why."""
REFUSED_WORDS: dict[str, str] = {"thesession": _SESSION, "the-session": _SESSION, "the_session": _SESSION}
"""Words in the name of a dataset on the hub that tell where it comes from."""

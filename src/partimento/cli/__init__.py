"""The command line, `partimento`.

One small file per group of commands; each is imported when its command is called, so that help comes at once.
What a user can mend is said in one line on stderr, with exit status 2.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError, Group

from partimento import __version__
from partimento.cli.console import listen_to_readers, print_error
from partimento.errors import BadInput, NeedsBeats, PartimentoError

_EPILOGUE = """[bold]Examples[/]

  partimento compose "a lively jig in D major for flute" --out out/jig
  partimento compose "a hymn in F for SATB choir" --seed 7 --out out/hymn
  partimento show out/jig.musicxml
  partimento convert song.mid song.musicxml
"""

_DATA_EPILOGUE = """[bold]Examples[/]

  partimento data list
  partimento data list maestro
  partimento data get maestro
  partimento data add ~/music/jigs --name jigs --licence CC0-1.0
  partimento prepare maestro jigs --out datasets/mine
  partimento data report datasets/mine
"""

_COMMANDS = {
    "Make music": {
        "compose": ("compose:compose", "Write a piece from a sentence, chords or nothing at all."),
        "plan": ("plan:plan", "Show what is understood of a sentence."),
        "instruments": ("instruments:instruments", "List the instruments and what they may be called."),
    },
    "Change music": {
        "continue": ("verbs:continue_", "Go on with a piece, and bring it to an end."),
        "infill": ("verbs:infill", "Write some bars again, all the rest as it stands."),
        "accompany": ("verbs:accompany", "Add parts that accompany a piece."),
        "vary": ("verbs:vary", "Write a share of the notes again, over the same harmony."),
        "harmonise": ("verbs:harmonise", "Give a melody chords, and an alto, a tenor and a bass."),
    },
    "Work with files": {
        "check": ("check:check", "Show what a piece does of what was asked for."),
        "show": ("show:show", "Show what is in a file, with a small piano roll."),
        "convert": ("convert:convert", "Turn a MIDI, MusicXML or ABC file into another of these."),
        "play": ("play:play", "Play a file aloud, or into a sound file."),
        "print": ("printing:print_pages", "Engrave a file as sheet music: PDF, SVG or PNG."),
        "encode": ("tokens:encode", "Turn a file into the tokens or the text that a model reads."),
        "decode": ("tokens:decode", "Turn such tokens or text into music again."),
    },
    "Make models": {
        "data": ("", "Get music to learn from, and see what a dataset holds."),
        "prepare": ("prepare:prepare", "Turn folders of music into a dataset for training."),
        "train": ("train:train", "Train a model from a recipe."),
        "sweep": ("sweep:sweep", "Train a recipe with many settings, and compare them."),
        "weights": ("weights:weights", "Show which layers of a text encoder a model listens to."),
        "copies": ("copies:copies", "Index a model's training music, so that copies are found."),
        "merge": ("merge:merge", "Merge an adapter into its base."),
        "export": ("export:export", "Write a model for Ollama, llama.cpp and others."),
    },
}
_FAMILIES = {
    "data": {
        "list": ("data:list_sources", "List where music can come from, or show one source."),
        "get": ("data:get", "Download a collection; what was cut off goes on."),
        "add": ("data:add", "Give a folder of music a name."),
        "remove": ("data:remove", "Forget a folder, or delete a download."),
        "caption": ("data_caption:caption", "Describe the pieces of a dataset in words."),
        "report": ("data_report:report", "Write a page that shows what is in a dataset."),
    },
}
"""Commands of commands."""
_EPILOGUES = {"data": _DATA_EPILOGUE}
_NAMES = [name for commands in _COMMANDS.values() for name in commands]


def build_app(called: Sequence[str] = ()) -> App:
    """The application with all commands; none is imported yet.

    Args:
        called: the words of the command about to run. A summary given here hides the docstring of its function, so
            this one gets none.
    """
    app = App(
        name="partimento",
        help="Compose editable, multi-instrument scores with language models, and make such models.",
        help_epilogue=_EPILOGUE,
        help_format="rich",  # Markdown takes as long to load as all the rest
        version=__version__,
        suppress_keyboard_interrupt=False,
    )
    for rank, (title, commands) in enumerate(_COMMANDS.items()):
        group = Group(title, sort_key=rank)
        for name, (place, summary) in commands.items():
            if name in _FAMILIES:
                app.command(_family(name, summary, group, called[1:] if called[:1] == [name] else ()))
            else:
                _add(app, name, place, None if called[:1] == [name] else summary, group=group)
    return app


def _family(name: str, summary: str, group: Group, called: Sequence[str]) -> App:
    family = App(
        name=name, help=summary, group=group, help_epilogue=_EPILOGUES[name], help_format="rich", version_flags=()
    )
    for member, (place, words) in _FAMILIES[name].items():
        _add(family, member, place, None if called[:1] == [member] else words)
    return family


def _add(app: App, name: str, place: str, summary: str | None, **options: Any) -> None:
    app.command(f"partimento.cli.{place}", name=name, help=summary, help_epilogue="", help_format="markdown", **options)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        tokens: the arguments; those of the process by default.

    Returns:
        Exit status: 0, 2 for what the user can mend, 1 for other failures, 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if tokens is None else tokens)
    app = build_app(arguments[:2])
    listen_to_readers()
    if unknown := _unknown(arguments):
        print_error(unknown)
        return 2
    try:
        app(arguments, exit_on_error=False, print_error=False, verbose=False, result_action="return_none")
        sys.stdout.flush()
    except CycloptsError as error:
        print_error(f"{error} (partimento {' '.join([*(error.command_chain or ()), '--help'])} says more)")
        return 2
    except (BadInput, NeedsBeats) as error:
        print_error(str(error))
        return 2
    except PartimentoError as error:
        print_error(str(error))
        return 1
    except KeyboardInterrupt:
        goes_on = arguments[:1] in (["prepare"], ["train"], ["sweep"]) or arguments[:2] == ["data", "get"]
        print_error("stopped; the same command goes on" if goes_on else "stopped")
        return 130
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _unknown(arguments: Sequence[str]) -> str:
    """What to say of words that are no command; nothing where they are one."""
    names, before = _NAMES, ""
    for word in arguments[:2]:
        if word.startswith("-"):
            return ""
        if word not in names:
            close = difflib.get_close_matches(word, names, n=1)
            mend = f"do you mean {before}{close[0]}?" if close else f"see partimento {before}--help"
            return f"there is no command {before + word!r}; {mend}"
        if word not in _FAMILIES:
            return ""
        names, before = list(_FAMILIES[word]), f"{word} "
    return ""

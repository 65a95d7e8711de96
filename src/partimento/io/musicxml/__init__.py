"""MusicXML, plain (`.musicxml`, `.xml`) and compressed (`.mxl`)."""

from __future__ import annotations

from partimento.io.musicxml.reader import read

__all__ = ["read"]
def write(score): raise NotImplementedError
def write_compressed(score): raise NotImplementedError

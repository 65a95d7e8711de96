"""How pages are to look: paper, size of the staves, what verovio is told."""

from __future__ import annotations

from dataclasses import dataclass

from partimento.errors import BadInput

PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Sizes of paper ▶ width and height in millimetres."""
STAFF_MM = (3.0, 12.0)
"""Smallest and largest staff that can be asked for; a system that does not fit the page may need a smaller one."""

_LAYOUT_STAFF_MM = 7.2  # verovio's own at its unit of 9 tenths of a millimetre, on which layouts are based
_STAFF_BY_COUNT = ((2, 6.9), (5, 5.8), (9, 5.0), (16, 4.4))
_SMALLEST_USUAL = 3.8
_SPACES_BY_COUNT = ((2, 12), (9, 10))
"""Most staves of a system ▶ least distance between two of them, in half staff spaces."""
_LEAST_SPACE = 8
_TOP_MM, _BOTTOM_MM, _SIDE_MM = 14.0, 14.0, 15.0
_OPTIONS: dict[str, object] = {
    "breaks": "auto",
    "breaksNoWidow": True,
    "footer": "none",
    "justificationBraceGroup": 0.3,
    "justificationBracketGroup": 0.6,
    "justificationStaff": 0.6,
    "justifyVertically": True,
    "lyricLineThickness": 0.18,
    "lyricNoStartHyphen": True,
    "lyricTopMinMargin": 2.5,
    "lyricWordSpace": 2.0,
    "mmOutput": True,
    "spacingSystem": 5,
    "svgFormatRaw": True,
    "xmlIdChecksum": True,  # else ids are random
}


@dataclass(frozen=True, slots=True)
class Style:
    """What may be chosen of a page's look."""

    paper: str = "a4"
    """a4 or letter."""
    staff_mm: float | None = None
    """Height of a staff in millimetres; by default it depends on how many staves a system has."""
    hide_empty: bool = False
    """Whether staves that rest for a whole system are left out after the first one."""

    def __post_init__(self) -> None:
        if self.paper not in PAPERS:
            raise BadInput(f"there is no paper {self.paper!r}; choose one of {', '.join(PAPERS)}")
        if self.staff_mm is not None and not STAFF_MM[0] <= self.staff_mm <= STAFF_MM[1]:
            raise BadInput(f"a staff {self.staff_mm:g} mm high; choose {STAFF_MM[0]:g} to {STAFF_MM[1]:g} mm")


@dataclass(frozen=True, slots=True)
class Layout:
    """A page in verovio's measures: millimetres on paper become larger where staves are smaller."""

    paper_mm: tuple[float, float]
    scale: float
    """1 where staves are 7.2 mm high, 2 where they are half of that."""

    @property
    def staff_mm(self) -> float:
        """Height of a staff on paper."""
        return _LAYOUT_STAFF_MM / self.scale

    def units(self, mm: float) -> int:
        """Millimetres on paper in units of verovio's SVG."""
        return round(100 * mm * self.scale)

    @property
    def width(self) -> int:
        """Width between the margins, in units of verovio's SVG."""
        return self.units(self.paper_mm[0] - 2 * _SIDE_MM)

    @property
    def lowest(self) -> int:
        """How far down music may reach, in units of verovio's SVG below the upper margin."""
        return self.units(self.paper_mm[1] - _TOP_MM - 0.7 * _BOTTOM_MM)

    @property
    def top(self) -> int:
        """The upper margin, in units of verovio's SVG."""
        return self.units(_TOP_MM)

    def options(self) -> dict[str, object]:
        """Paper and margins as verovio takes them, in tenths of a millimetre."""
        names = ("pageWidth", "pageHeight", "pageMarginTop", "pageMarginBottom", "pageMarginLeft", "pageMarginRight")
        sizes = (*self.paper_mm, _TOP_MM, _BOTTOM_MM, _SIDE_MM, _SIDE_MM)
        return {name: round(10 * mm * self.scale) for name, mm in zip(names, sizes, strict=True)}


def first_layout(style: Style, staves: int) -> Layout:
    """The page to begin with, for systems of so many staves."""
    usual = next((mm for most, mm in _STAFF_BY_COUNT if staves <= most), _SMALLEST_USUAL)
    return Layout(PAPERS[style.paper], _LAYOUT_STAFF_MM / (style.staff_mm or usual))


def options(style: Style, staves: int) -> dict[str, object]:
    """What verovio is told beside the size of the page."""
    space = next((space for most, space in _SPACES_BY_COUNT if staves <= most), _LEAST_SPACE)
    spacing = dict.fromkeys(("spacingStaff", "spacingBraceGroup", "spacingBracketGroup"), space)
    filled = {"justificationMaxVertical": 0.6 if space == _LEAST_SPACE else 0.3}
    condense = {"condense": "auto", "condenseTempoPages": True} if style.hide_empty else {"condense": "none"}
    return _OPTIONS | spacing | filled | condense

"""What people call instruments in sentences, besides what `theory.instrument` knows from scores."""

from __future__ import annotations

from partimento.theory.instrument import DRUMS

_BY_PROGRAM: dict[int, str] = {
    0: "acoustic piano, concert grand, concert piano, upright piano, fortepiano, flügel, pianino, grand",
    1: "bright piano, pop piano, rock piano",
    2: "electric grand, cp-80, cp80",
    3: "honky-tonk, honkytonk piano, saloon piano, bar piano, tack piano, ragtime piano",
    4: "e-piano, epiano, e piano, fender rhodes, rhodes piano, wurlitzer, wurli, stage piano",
    5: "dx7, fm piano, digital piano, dx piano, fm electric piano",
    6: "clavecin, clavicembalo, spinet, virginal",
    7: "clav, clavinova, clavinet d6",
    8: "celeste, célesta",
    9: "glock, orchestra bells",
    10: "musical box, spieluhr",
    11: "vibe, vibraphon, vibrafono",
    12: "marimbas, balafon, marimbaphone",
    13: "xylophon, xilofono",
    14: "church bells, röhrenglocken, bell, orchestral chimes",
    15: "hackbrett",
    16: "drawbar, b3, b-3, hammond b3, hammond b-3, electric organ, tonewheel organ, gospel organ",
    17: "perc organ, jazz organ",
    18: "leslie organ, combo organ, distorted organ, farfisa",
    19: "kirchenorgel, orgue, organo, cathedral organ, pipe organs",
    20: "pump organ",
    21: "accordéon, accordeon, fisarmonica, piano accordion, button accordion, musette",
    22: "blues harp, mundharmonika, armonica, harp harmonica",
    23: "bandoneón, bandonion",
    24: "nylon-string guitar, nylon string acoustic guitar, nylon acoustic guitar, acoustic nylon guitar, "
        "flamenco guitar, gitarre, guitare, chitarra, guitarra, uke, classical nylon guitar",
    25: "steel-string guitar, steel-string acoustic guitar, steel acoustic guitar, acoustic steel guitar, "
        "12-string, 12-string acoustic guitar, twelve-string acoustic guitar, pedal steel guitar, pedal steel, "
        "slide guitar, dobro, resonator guitar, mandolino, mandoline, lap steel, strummed guitar",
    26: "hollow-body guitar, archtop guitar, jazz electric guitar, electric jazz guitar",
    27: "clean electric guitar, electric clean guitar, stratocaster, telecaster, e-gitarre, electric rhythm guitar",
    28: "muted guitar, muted electric guitar, palm-muted guitar, palm-muted electric guitar, funk guitar, "
        "electric muted guitar",
    29: "overdriven electric guitar, overdrive electric guitar, crunch guitar, overdrive, electric lead guitar, "
        "overdriven lead guitar",
    30: "distorted electric guitar, distortion electric guitar, metal guitar, heavy guitar, fuzz guitar, "
        "high-gain guitar, distorted lead guitar, distorted rhythm guitar",
    31: "harmonics guitar, guitar flageolets",
    32: "stand-up bass, walking acoustic bass, acoustic upright bass",
    33: "finger bass, fingered bass, fingerstyle bass, e-bass, fingered electric bass, basse, basso elettrico, "
        "electric bass guitar, basse électrique",
    34: "picked bass, pick bass, picked electric bass, plectrum bass, picked bass guitar",
    35: "fretless electric bass, fretless bass guitar",
    36: "slapped bass, slap bass guitar, slap electric bass, thumb bass",
    37: "popped bass, slap and pop bass",
    38: "synthesizer bass, bass synth, synthbass, acid bass, moog bass, reese bass, reese synth bass, sub bass, "
        "808 bass, analog bass, synth sub bass",
    39: "fm bass, rubber bass, digital bass",
    40: "violon, violín, solo violin",
    41: "alto violin, viola d'amore",
    42: "violoncelle, violonchelo, violoncelli",
    43: "contrebasse, contrabbasso, bowed bass, bowed double bass, orchestral bass, contrabajo",
    44: "tremolo, tremolo string ensemble, trem strings, strings tremolo",
    45: "pizz, pizz strings, plucked strings, pizzicato string ensemble",
    46: "concert harp, harpe, arpa, celtic harp",
    47: "timps, timpano, kettle drums, kettledrum",
    48: "string section, orchestral strings, cordes, archi, string ensembles",
    49: "slow string ensemble",
    50: "string synth, string machine, synthetic strings, synthesizer strings, solina",
    51: "slow synth strings",
    52: "aahs, ahs, choir ahs, choeur, chœur, coro, mixed chorus, children's chorus, male chorus, female chorus, "
        "boys' choir, female choir, male choir, men's chorus, women's choir, satb chorus",
    53: "oohs, doos, humming, voix, voce, oohs voice, vocal oohs",
    54: "synth vocals, synth choir, synth vox, voice synth, synth vocal, synthesizer voice",
    55: "orchestral hit, orch hit, orchestra stab, orchestral hits",
    56: "trompette, tromba, trompeta, solo trumpet",
    57: "trombón, slide trombone",
    58: "baritone horn, bass tuba",
    59: "harmon trumpet, harmon mute trumpet, trumpet with mute, trumpet with a mute",
    60: "f horn, corno, french horns, hunting horn",
    61: "horn section, horns section, brass ensemble, blechbläser, cuivres, ottoni, brasses",
    62: "brass synth, synth horns, poly brass, synthesizer brass",
    63: "analog brass",
    64: "soprano saxophones",
    65: "alto saxophones, saxofono, saxofón",
    66: "tenor saxophones",
    67: "bari saxophone, bari",
    68: "hautbois, oboen",
    69: "englischhorn, corno inglese",
    70: "fagotto, basson, contrabassoon, double bassoon",
    71: "clarinette, clarinetto, clarinete",
    72: "ottavino, piccolo flutes",
    73: "flûte, transverse flute, concert flute, flauta, flute solo",
    74: "flûte à bec, flauto dolce, block flute",
    75: "pan pipes, pan pipe, panflute, pan-flute, zampoña, panflöte",
    76: "bottle, bottle blow, blown bottles",
    77: "bamboo flute",
    78: "whistling, low whistle, irish whistle, flageolet",
    79: "clay flute, ocarinas",
    80: "square lead, square-wave lead, square wave, square synth, chip lead, 8-bit lead, pulse lead, "
        "square wave lead, lead synthesizer",
    81: "saw lead, sawtooth lead, sawtooth, saw wave, saw wave lead, supersaw, supersaw lead, super saw, saw synth, "
        "sawtooth synth",
    82: "calliope, calliope lead, steam organ",
    83: "chiff, chiff lead, chiffer lead",
    84: "charang, charang lead, guitar synth, synth guitar",
    85: "voice lead, vocal lead synth, solo vox, vox lead",
    86: "fifths lead, lead in fifths, synth fifths",
    87: "bass lead, bass + lead, bass and lead synth",
    88: "new age pad, new-age pad, fantasia",
    89: "warm pad, warm synth pad, analog pad, pads, synth pads, ambient pad",
    90: "polysynth, polysynth pad, poly synth",
    91: "choir pad, vocal pad, space voice",
    92: "bowed pad, bowed glass, glass pad",
    93: "metallic pad, metal pad",
    94: "halo pad, angel pad",
    95: "sweep pad, sweeping pad, swept pad",
    96: "ice rain, rain fx, rain synth, rain pad",
    97: "soundtrack fx, soundtrack synth, soundtrack pad",
    98: "crystal fx, crystal synth, crystal pad, crystal bells",
    99: "atmosphere fx, atmosphere synth, atmosphere pad, synth atmosphere",
    100: "brightness fx, brightness synth, brightness pad",
    101: "goblins, goblin fx, goblin synth, goblins synth",
    102: "echoes fx, echo drops, echo synth, echoes synth",
    103: "sci-fi, sci-fi fx, sci-fi synth, sci-fi pad, star theme",
    104: "sitars, tanpura",
    105: "5-string banjo, five-string banjo",
    106: "samisen",
    107: "kotos",
    108: "mbira, sansa",
    109: "dudelsack, cornemuse, highland pipes, gaita, pipes",
    110: "country fiddle, irish fiddle, folk fiddle",
    111: "shehnai, shawm, zurna, schalmei",
    112: "small bells, tinkling bells, sleigh bells, hand bells, handbells",
    113: "agogo bells, agogô, agogo bell",
    114: "steel drum, steel band, steel pans, steelpans",
    115: "wood block, wood blocks, temple blocks, woodblocks",
    116: "taiko drums, japanese drums, japanese drum, taikos",
    117: "tom-toms, tom-tom, toms, tuned toms, roto-toms, melodic toms",
    118: "electronic tom, simmons drum, synth tom, synth toms",
    119: "reversed cymbal, cymbal swell, reverse cymbals",
    120: "fret noise, string squeak, guitar squeak",
    121: "breath sound, breathing noise, key clicks",
    122: "ocean waves, sea waves, sound of the sea",
    123: "birdsong, bird song, bird chirping, birds",
    124: "telephone, ringing phone, phone ring, ringing telephone",
    125: "chopper, helicopters",
    126: "clapping audience, audience applause",
    127: "gun shot, gunshots, gun shots",
    DRUMS: "drum, drum machine, tr-808, 808s, 909, 909s, tr-909, 808 kit, 808 drum kit, 808 drums, 808 beat, beatbox, "
           "batterie, batteria, batería, schlagzeug, snare, snare drum, hi-hat, hi-hats, hihat, bass drum, "
           "kick drum, kick, cymbals, ride cymbal, brushes, congas, conga, bongos, cajon, cajón, djembe, tabla, "
           "tablas, tambourine, maracas, shaker, cowbell, claves, triangle, castanets, bodhrán, bodhran, percussions, "
           "electronic drums, synth drums, breakbeat, breakbeats, surdo, timbales, washboard, spoons, hand drums, "
           "hand drum, darbuka, rhythm box, agogo percussion, percussion section, electronic drum kit, acoustic drums",
}  # fmt: skip
SPOKEN_NAMES: dict[str, int] = {name: program for program, names in _BY_PROGRAM.items() for name in names.split(", ")}
"""Name in small letters ▶ program."""

EVERYDAY = frozenset((
    "goblins", "sci-fi", "bottle", "grand", "birds", "telephone",
    "pipes", "bell", "overdrive", "tremolo", "kick", "brushes", "triangle", "spoons", "alto",
    "b3", "ahs", "aahs", "oohs", "doos", "humming", "whistling", "basse", "voce", "voix", "coro", "vibe",
    "claves", "fantasia", "chopper", "909", "dx7", "sawtooth", "bari", "corno", "musette", "breakbeat", "breakbeats",
    "toms", "breath sound", "birdsong", "bird song", "snare", "helicopters", "gunshots",
))  # fmt: skip
"""Names that are ordinary words too, and mean an instrument only in a list of instruments."""

FAMILIES: dict[str, tuple[int, ...]] = {
    "piano": (0, 1, 2, 3), "pianos": (0, 1, 2, 3), "klavier": (0, 1, 2, 3), "keyboards": tuple(range(8)),
    "organ": tuple(range(16, 21)), "guitar": tuple(range(24, 32)), "guitars": tuple(range(24, 32)),
    "gitarre": tuple(range(24, 32)), "bass": (*range(32, 40), 43), "basses": (*range(32, 40), 43),
    "strings": (*range(40, 46), *range(48, 52)), "violins": (40,), "brass": tuple(range(56, 64)),
    "sax": tuple(range(64, 68)), "saxophone": tuple(range(64, 68)), "woodwinds": tuple(range(64, 80)),
    "vocals": (52, 53, 54), "voice": (52, 53, 54), "voices": (52, 53, 54), "singer": (52, 53, 54),
    "vocal": (52, 53, 54), "choir": (52, 53, 54), "singing": (52, 53, 54),
    "synth": (38, 39, 50, 51, 54, 62, 63, *range(80, 104)), "synths": (38, 39, 50, 51, 54, 62, 63, *range(80, 104)),
    "pad": tuple(range(88, 96)), "pads": tuple(range(88, 96)), "lead": tuple(range(80, 88)),
    "drums": (DRUMS,), "percussion": (DRUMS, *range(112, 120)),
}  # fmt: skip
"""General names ▶ all that they may mean, where they refer to an instrument named elsewhere, or refuse it."""
GENERAL = frozenset((
    "bass", "guitar", "sax", "saxophone", "piano", "organ", "voice", "vocals", "vocal", "pad", "lead", "synth",
    "walking bass",
))  # fmt: skip
"""Of these, the ones that mean the special instrument of the text (`a bass line for double bass`)."""

"""The words that people use for styles, moods, numbers and ensembles."""

from __future__ import annotations

from partimento.theory.instrument import DRUMS

STYLES = (
    "jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air", "song", "hymn",
    "chorale", "quartet", "orchestra", "lead sheet", "game", "folk", "piano", "pop",
)  # fmt: skip
"""Styles that a plan may name."""

STYLE_WORDS: tuple[dict[str, str], ...] = (
    {
        "slip jig": "slip jig", "slip jigs": "slip jig", "hop jig": "slip jig", "jig": "jig", "jigs": "jig",
        "gigue": "jig", "reel": "reel", "reels": "reel", "hornpipe": "hornpipe", "hornpipes": "hornpipe",
        "polka": "polka", "polkas": "polka", "strathspey": "strathspey", "strathspeys": "strathspey",
        "waltz": "waltz", "waltzes": "waltz", "valse": "waltz", "walzer": "waltz", "march": "march",
        "marches": "march", "marcia": "march", "quickstep": "march", "slow air": "air", "air": "air",
        "airs": "air",
    },
    {
        "hymn": "hymn", "hymns": "hymn", "christmas carol": "hymn", "carol": "hymn", "carols": "hymn",
        "psalm": "hymn", "chorale": "chorale", "chorales": "chorale", "choral": "chorale",
        "string quartet": "quartet", "string quartets": "quartet", "streichquartett": "quartet",
        "quartet": "quartet", "orchestra": "orchestra", "orchestral": "orchestra", "symphony": "orchestra",
        "symphonic": "orchestra", "overture": "orchestra", "lead sheet": "lead sheet",
        "leadsheet": "lead sheet", "jazz": "lead sheet", "jazz standard": "lead sheet", "swing": "lead sheet",
        "bossa nova": "lead sheet", "video game": "game", "videogame": "game", "game": "game",
        "chiptune": "game", "arcade": "game", "8-bit": "game",
    },
    {
        "folk": "folk", "folk song": "folk", "folk tune": "folk", "folksong": "folk", "irish": "folk",
        "celtic": "folk", "scottish": "folk", "country dance": "folk", "fiddle tune": "folk",
        "traditional": "folk", "art song": "song", "lied": "song", "lieder": "song", "lullaby": "song",
        "song": "song", "songs": "song", "pop": "pop", "pop song": "pop", "rock": "pop", "rock song": "pop",
    },
    {
        "piano piece": "piano", "piano solo": "piano", "solo piano": "piano", "piano sonata": "piano",
        "nocturne": "piano", "prelude": "piano", "etude": "piano", "étude": "piano", "piano music": "piano",
    },
)  # fmt: skip
"""Words ▶ style, most telling first: a `video game waltz` is a waltz, a `folk hymn` a hymn."""

DANCE_METERS = {
    "menuett": "3/4",
    "jig": "6/8", "slip jig": "9/8", "reel": "4/4", "hornpipe": "4/4", "strathspey": "4/4", "polka": "2/4",
    "waltz": "3/4", "minuet": "3/4", "menuet": "3/4", "menuetto": "3/4", "mazurka": "3/4", "ländler": "3/4",
    "sarabande": "3/4", "polonaise": "3/4", "tarantella": "6/8", "barcarolle": "6/8", "siciliana": "6/8",
    "siciliano": "6/8", "gavotte": "4/4", "ragtime": "2/4", "bourrée": "4/4",
}  # fmt: skip
"""Style or dance ▶ the meter it has unless another is asked for."""

METER_WORDS = {
    "common time": "4/4", "cut time": "2/2", "cut common time": "2/2", "alla breve": "2/2",
    "waltz time": "3/4", "triple time": "3/4", "triple meter": "3/4", "triple metre": "3/4",
    "march time": "2/4",
}  # fmt: skip

MORE_TEMPO_WORDS = {
    "very slowly": 50, "slowly": 66, "rather slow": 72, "fairly slow": 72, "moderately slow": 76,
    "moderate": 108, "moderately": 108, "mid-tempo": 108, "midtempo": 108, "medium": 108, "not too fast": 112,
    "moderately fast": 120, "fairly fast": 128, "rather fast": 128, "quick": 140, "quickly": 140,
    "very quick": 176, "uptempo": 140, "up-tempo": 140, "not too slow": 88, "langsam": 62, "schnell": 140,
    "mäßig": 104, "very quickly": 176, "very rapid": 176, "rapid": 144, "extremely fast": 190, "super fast": 190,
    "extremely slow": 44, "breakneck": 200, "really fast": 170, "really slow": 54, "leisurely": 80, "walking pace": 88,
    "walking tempo": 88, "sehr schnell": 176, "sehr langsam": 50, "gemäßigt": 104, "mäßig schnell": 120, "bewegt": 120,
    "gehend": 84, "lent": 60, "très lent": 46, "vif": 150, "vite": 150, "très vite": 180, "modéré": 104, "rapide": 144,
    "lentement": 56, "veloce": 160, "rápido": 144, "con moto": 116, "allegro assai": 146, "molto allegro": 150,
    "allegro molto": 150, "allegro vivo": 150, "poco allegro": 116, "molto adagio": 50, "adagio molto": 50,
    "tempo giusto": 108, "alla marcia": 116, "animato": 126, "vivo": 150, "sostenuto": 72, "mid tempo": 108,
    "medium swing": 120, "medium-fast": 132, "medium fast": 132, "medium-slow": 84, "medium slow": 84,
    "medium up": 180, "at a slow pace": 62, "at a fast pace": 144, "ballad tempo": 66,
    "andante con moto": 92, "allegro con brio": 144, "allegro ma non troppo": 120,
    "allegro non troppo": 120,
}  # fmt: skip
"""Besides the words of `theory.tempo`; quarter notes per minute."""

MOOD_TEMPI_BPM = {
    "lively": 138, "brisk": 132, "upbeat": 126, "cheerful": 126, "energetic": 144, "bouncy": 132,
    "jaunty": 126, "driving": 144, "frantic": 176, "rousing": 126, "gentle": 84, "calm": 76, "peaceful": 72,
    "tranquil": 70, "relaxed": 88, "solemn": 66, "mournful": 60, "sad": 72, "melancholy": 72,
    "melancholic": 72, "dreamy": 76, "stately": 84, "majestic": 84, "lebhaft": 138, "ruhig": 72,
}  # fmt: skip
"""Words that only hint at a tempo; any stated tempo is stronger."""

_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
          "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS: dict[str, int] = (
    {"zero": 0, "a dozen": 12, "two dozen": 24, "a hundred": 100, "zwei": 2, "drei": 3, "vier": 4}
    | {word: index + 1 for index, word in enumerate(_UNITS)}
    | {ten: 20 + 10 * index for index, ten in enumerate(_TENS)}
    | {f"{ten}-{unit}": 20 + 10 * i + j + 1 for i, ten in enumerate(_TENS) for j, unit in enumerate(_UNITS[:9])}
)

MORE_INSTRUMENTS = {
    "flöten": 73, "klarinetten": 71, "geigen": 40, "violinen": 40,
    "lead guitar": 29, "rhythm guitar": 27, "12-string guitar": 25, "twelve-string guitar": 25, "drum": DRUMS,
    "drum machine": DRUMS, "upright piano": 0, "fortepiano": 0, "walking bass": 32, "acoustic bass": 32,
    "flöte": 73, "querflöte": 73, "blockflöte": 74, "klarinette": 71, "fagott": 70, "trompete": 56,
    "posaune": 57, "waldhorn": 60, "orgel": 19, "gitarre": 24, "bratsche": 41, "harfe": 46, "pauken": 47,
    "streicher": 48, "chor": 52, "schlagzeug": DRUMS, "akkordeon": 21, "kontrabass": 43, "viole": 41,
    "violini": 40, "saxes": 65, "alto voice": 53, "tenor voice": 53, "bass voice": 53, "soprano voice": 53,
    "female voice": 53, "male voice": 53, "children's choir": 52, "double basses": 43, "basses": 43,
    "men's choir": 52,
}  # fmt: skip
"""Besides the words of `theory.instrument`."""

REGISTERS = ("sopranino", "soprano", "alto", "tenor", "baritone", "bass", "contrabass")
REGISTERED = ("recorder", "flute", "clarinet", "oboe", "horn", "trombone", "trumpet", "banjo", "ukulele",
              "guitar", "sax", "saxophone", "drum", "fiddle", "violin", "viola")  # fmt: skip
"""Instruments that come in registers; a bass flute is a flute, not a bass and a flute."""

MORE_ENSEMBLES: dict[str, tuple[int, ...]] = {
    "orchestra": (73, 68, 71, 60, 40, 40, 41, 42), "symphony orchestra": (73, 68, 71, 60, 40, 40, 41, 42),
    "chamber orchestra": (73, 68, 60, 40, 40, 41, 42),
    "full orchestra": (73, 68, 71, 60, 56, 47, 40, 40, 41, 42, 43), "streichquartett": (40, 40, 41, 42),
    "piano quartet": (40, 41, 42, 0), "piano quintet": (40, 40, 41, 42, 0),
    "clarinet quintet": (71, 40, 40, 41, 42), "brass quartet": (56, 56, 60, 57), "brass trio": (56, 60, 57),
    "wind trio": (68, 71, 70), "woodwind trio": (73, 71, 70), "woodwind quartet": (73, 68, 71, 70),
    "wind quartet": (73, 68, 71, 70), "string duo": (40, 42), "mixed choir": (52, 52, 52, 52),
    "four-voice choir": (52, 52, 52, 52), "barbershop quartet": (52, 52, 52, 52),
    "vocal quartet": (52, 52, 52, 52), "jazz quartet": (65, 0, 32, DRUMS),
    "jazz band": (56, 65, 0, 32, DRUMS), "jazz combo": (65, 0, 32, DRUMS),
    "big band": (56, 65, 57, 0, 32, DRUMS), "power trio": (29, 33, DRUMS), "rhythm section": (0, 32, DRUMS),
    "piano four hands": (0,), "quartetto d'archi": (40, 40, 41, 42), "quatuor à cordes": (40, 40, 41, 42),
    "streichtrio": (40, 41, 42), "klaviertrio": (40, 42, 0), "bläserquintett": (73, 68, 71, 60, 70),
    "blechbläserquintett": (56, 56, 60, 57, 58), "jazz piano trio": (0, 32, DRUMS), "organ trio": (16, 26, DRUMS),
    "guitar trio": (26, 32, DRUMS), "jazz quintet": (56, 66, 0, 32, DRUMS), "jazz sextet": (56, 66, 57, 0, 32, DRUMS),
    "string sextet": (40, 40, 41, 41, 42, 42), "string octet": (40, 40, 40, 40, 41, 41, 42, 42),
    "clarinet quartet": (71, 71, 71, 71), "flute quartet": (73, 73, 73, 73), "guitar quartet": (24, 24, 24, 24),
    "trombone quartet": (57, 57, 57, 57), "horn quartet": (60, 60, 60, 60), "recorder quartet": (74, 74, 74, 74),
    "sax quartet": (64, 65, 66, 67), "saxophone quintet": (64, 65, 65, 66, 67), "horn trio": (40, 60, 0),
    "clarinet trio": (71, 42, 0), "metal band": (30, 30, 34, DRUMS), "punk band": (29, 34, DRUMS),
    "pop band": (27, 4, 33, DRUMS), "funk band": (28, 7, 36, 61, DRUMS), "country band": (25, 110, 32, DRUMS),
    "bluegrass band": (105, 110, 25, 24, 32), "dixieland band": (56, 71, 57, 105, 58, DRUMS),
    "klezmer band": (71, 40, 21, 32, DRUMS), "mariachi band": (56, 56, 40, 24, 32), "marching band": (72, 71, 56, 57,
    58, DRUMS),
    "wind band": (73, 71, 65, 56, 60, 57, 58, DRUMS), "concert band": (73, 71, 65, 56, 60, 57, 58, DRUMS),
    "ttbb choir": (52, 52, 52, 52), "ssaa choir": (52, 52, 52, 52), "ssa choir": (52, 52, 52),
    "sab choir": (52, 52, 52),
    "coro satb": (52, 52, 52, 52), "vierstimmiger chor": (52, 52, 52, 52),
}  # fmt: skip
"""Besides the ensembles of `theory.instrument`."""

NAMED_PROGRESSIONS = {
    "pachelbel": "I V vi iii IV I IV V", "pachelbel progression": "I V vi iii IV I IV V",
    "doo-wop progression": "I vi IV V", "50s progression": "I vi IV V", "axis progression": "I V vi IV",
    "four-chord song": "I V vi IV", "andalusian cadence": "i VII VI V", "pop-punk progression": "I V vi IV",
    "royal road progression": "IV V iii vi",
}  # fmt: skip
"""Progressions that go by a name."""

CHAMBER_SIZES = {"duet": 2, "duo": 2, "trio": 3, "quartet": 4, "quintet": 5}

HESITANT = frozenset((
    "keys", "keyboard", "kit", "chorus", "bells", "chimes", "pad", "lead", "voice", "voices", "vocal",
    "vocals", "alto", "tenor", "soprano", "baritone", "contralto", "singer", "808", "applause", "gunshot",
    "helicopter", "seashore", "telephone ring", "bird tweet", "breath noise", "guitar fret noise",
    "reverse cymbal", "orchestra", "whistle", "fretless", "horn", "horns",
))  # fmt: skip
"""Words that mean an instrument only in a list of instruments (`for keys and drums`)."""

WITHOUT_SOUND = {
    "kazoo": "harmonica", "theremin": "synth voice", "ondes martenot": "synth lead", "didgeridoo": "bassoon",
    "flugelhorn": "trumpet", "sousaphone": "tuba", "vuvuzela": "trumpet", "sackbut": "trombone",
    "shofar": "horn", "hurdy-gurdy": "bagpipes", "uilleann pipes": "bagpipes", "small pipes": "bagpipes",
    "crumhorn": "bassoon", "krummhorn": "bassoon", "duduk": "english horn", "melodica": "accordion",
    "jew's harp": "kalimba", "jaw harp": "kalimba", "glass harmonica": "music box",
    "glass armonica": "music box", "autoharp": "harp", "zither": "dulcimer", "cimbalom": "dulcimer",
    "psaltery": "dulcimer", "santur": "dulcimer", "lyre": "harp", "balalaika": "mandolin",
    "bouzouki": "mandolin", "charango": "ukulele", "oud": "lute", "theorbo": "lute", "sarod": "sitar",
    "erhu": "fiddle", "pipa": "koto", "guzheng": "koto", "viola da gamba": "cello", "viol": "cello",
    "ney": "flute", "dizi": "flute", "bansuri": "flute", "mellotron": "strings", "vocoder": "synth voice",
    "handpan": "steel drums", "musical saw": "synth voice", "nyckelharpa": "fiddle",
    "singing bowl": "tubular bells",
}  # fmt: skip
"""Instruments without a General MIDI program ▶ what comes nearest."""

NO_INSTRUMENTS = frozenset((
    "mood", "feel", "feeling", "melody", "melodies", "tune", "theme", "rhythm", "rhythms", "beat", "ending",
    "end", "introduction", "intro", "coda", "outro", "repeat", "repeats", "swing", "energy", "chord",
    "chords", "harmony", "harmonies", "accompaniment", "lyrics", "words", "style", "sound", "groove", "bars",
    "bar", "measures", "dynamics", "ornaments", "trills", "modulation", "variations", "variation", "verse",
    "refrain", "dance", "friends", "fun", "beginners", "kids", "children", "students", "people", "time",
    "tempo", "key", "pickup", "counterpoint", "line", "lines", "part", "parts", "hands", "happy", "sad",
    "slow", "fast", "lively", "gentle", "bright", "dark", "soft", "loud", "warm", "simple", "short", "long",
    "major", "minor", "joy", "hope", "love", "sadness", "ensemble", "band", "group", "solo", "soloist",
    "duet", "duo", "trio", "quartet", "quintet", "everyone", "all", "others", "more", "passion",
    "syncopation", "arpeggios", "nothing", "else", "it", "romantic", "epic", "funky", "sweet", "merry",
    "staccato", "legato", "pizzicato", "rubato", "crescendo", "bass line", "calm", "easy", "something",
    "music", "piece", "section", "sections", "phrases", "dancers", "dancing", "christmas", "wedding",
    "church", "concert", "party", "film", "school", "home", "heart", "soul", "style",
))  # fmt: skip
"""Words that stand in lists beside instruments without being meant as one."""

"""What can be done with music that exists: go on with it, fill in bars, accompany it, vary it, harmonise it."""

from partimento.generation.verbs.accompany import accompany
from partimento.generation.verbs.continuing import continue_
from partimento.generation.verbs.harmonise import harmonise
from partimento.generation.verbs.infill import infill
from partimento.generation.verbs.melody import with_melody
from partimento.generation.verbs.vary import vary

__all__ = ["accompany", "continue_", "harmonise", "infill", "vary", "with_melody"]

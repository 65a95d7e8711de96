"""Any representation as a tokenizer of the transformers library, whose text is the names of the tokens.

    tokenizer = to_pretrained(create("remi"))
    tokenizer.save_pretrained("folder")        # AutoTokenizer.from_pretrained("folder") reads it
    tokenizer("BOS Style_jig Meter_6/8").input_ids

Ids are those of the representation. Merged tokens of `bpe` are words too, their parts joined by `+`; which parts are
merged is for `Bpe.merge` to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from partimento.representations.base import Representation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def to_pretrained(representation: Representation[Any]) -> PreTrainedTokenizerFast:
    """A tokenizer with the ids of a representation.

    A word that is no token's name raises an exception. Where one id has several roles, its name has them too.
    """
    from transformers import PreTrainedTokenizerFast  # takes seconds to import

    names = list(map(str, representation.tokens))
    tokenizer = Tokenizer(WordLevel({name: token for token, name in enumerate(names)}))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    roles = {f"{role}_token": names[token] for role, token in representation.special._asdict().items()}
    tokenizer.add_special_tokens(
        [AddedToken(n, single_word=True, normalized=False) for n in sorted(set(roles.values()))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **roles)

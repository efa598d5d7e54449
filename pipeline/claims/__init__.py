"""Claims in written feedback, held against the recording by pointing: which lines support a sentence, which speak
against it, or that none was found.

A claim is a sentence that says what the candidate said or did. "None found" means what it says: this search found no
line, a person may. `retold` reads the sentence, `words` compares words, `search` finds the lines offline, `model` lets
a model point at them; numbers are counted by code in either case.
"""

from pipeline.claims.claim import Claim, Shown, State
from pipeline.claims.retold import is_claim
from pipeline.claims.search import check_claims

__all__ = ["Claim", "Shown", "State", "check_claims", "is_claim"]

"""Makes wheels whole: finds the libraries that a level does not allow, brings them along, and rewrites who needs them.

``plan_repair`` decides over audited binaries; ``carry_out`` works on copies. Linux so far.
"""

from __future__ import annotations

from matrix.repairing.doing import carry_out
from matrix.repairing.nouns import Repair, Wanted
from matrix.repairing.patchelf import Patchelf
from matrix.repairing.places import Places
from matrix.repairing.plan import plan_repair
from matrix.repairing.search import Search

__all__ = ["Patchelf", "Places", "Repair", "Search", "Wanted", "carry_out", "plan_repair"]

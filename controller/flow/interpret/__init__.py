"""A switch's pipeline, interpreted: where a frame goes and what it is when it leaves.

Exact for the actions of `controller.flow`, as Open vSwitch does them (ofproto-dpif-xlate.c, classifier.c, and
conntrack.c of its userspace datapath).
"""

from .assumed import Assumed
from .conntrack import Conntrack, TrackedConnection
from .ends import Ends
from .frame import BELOW, Frame
from .lookup import Ambiguous
from .pipeline import NOTHING_KNOWN, Passage, Pipeline
from .tracker import Tracker
from .walk import DEEPEST, MOST_LOOKUPS, Sent, Step

__all__ = [
    "BELOW",
    "DEEPEST",
    "MOST_LOOKUPS",
    "NOTHING_KNOWN",
    "Ambiguous",
    "Assumed",
    "Conntrack",
    "Ends",
    "Frame",
    "Passage",
    "Pipeline",
    "Sent",
    "Step",
    "TrackedConnection",
    "Tracker",
]

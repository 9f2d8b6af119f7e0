"""What is kept: routes, conversations, stages with their journal, runs, repairs, checkups."""

from chat.models.conversations import Conversation, Message
from chat.models.doctor import RouteCheckup
from chat.models.repairs import StageRepair
from chat.models.routes import ModelRoute
from chat.models.runs import ToolRun
from chat.models.setup import SetupToken
from chat.models.stages import ACTIVE_STATUSES, Stage, StageEvent

__all__ = [
    "ACTIVE_STATUSES",
    "Conversation",
    "Message",
    "ModelRoute",
    "RouteCheckup",
    "SetupToken",
    "Stage",
    "StageEvent",
    "StageRepair",
    "ToolRun",
]

"""What is kept: routes, conversations, stages with their journal, tool runs."""

from chat.models.conversations import Conversation, Message
from chat.models.routes import ModelRoute
from chat.models.runs import ToolRun
from chat.models.setup import SetupToken
from chat.models.stages import ACTIVE_STATUSES, Stage, StageEvent

__all__ = [
    "ACTIVE_STATUSES",
    "Conversation",
    "Message",
    "ModelRoute",
    "SetupToken",
    "Stage",
    "StageEvent",
    "ToolRun",
]

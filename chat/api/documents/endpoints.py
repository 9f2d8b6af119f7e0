"""Every HTTP endpoint for programs."""

from __future__ import annotations

from chat.api.documents import answers, examples
from chat.api.documents.gateway_endpoints import GATEWAY, GATEWAY_ENDPOINTS
from chat.api.documents.parts import Endpoint, Reply
from chat.api.documents.stage_endpoints import STAGE_ENDPOINTS, STAGES

HEALTH = "Health"

TAGS = {
    STAGES: "A stage per request, streamed or whole, with the origin's bodies and event names.",
    GATEWAY: "The Chat Completions API over the same routes: an unmodified OpenAI client works "
    "with the base URL that ends in `/v1`.",
    HEALTH: "Whether this process serves.",
}

_HEALTHZ = Endpoint(
    method="get",
    path="/healthz",
    name="healthz",
    tag=HEALTH,
    summary="Whether this process serves, and how its model servers are",
    words="Answers from stored checks in milliseconds, also when every model server is dead.",
    security="none",
    replies=(
        Reply(
            status=200,
            words="It serves.",
            body=(answers.Ready,),
            examples={"ready": examples.READY},
        ),
        Reply(status=403, words="A method that would change something: there is none."),
        Reply(status=405, words="Another method.", headers=("Allow",)),
        Reply(
            status=503,
            words="It ends its work: ask another process.",
            body=(answers.Draining,),
            examples={"draining": examples.DRAINING},
        ),
    ),
)

ENDPOINTS: tuple[Endpoint, ...] = (*STAGE_ENDPOINTS, *GATEWAY_ENDPOINTS, _HEALTHZ)

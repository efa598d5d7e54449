"""Made-up interview talk of any length: the text that the locator is measured on.

Seeded, written by us, with what makes locating hard in real talk: stock phrases that return again and again,
hesitations, words said twice, a listener's "mm-hmm" in the middle of a sentence, numbers, negations, and sentences
that differ in one word. It repeats itself far more than people do: about 3,000 different words in 100,000.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple


def _list(items: str) -> list[str]:
    return [item.strip() for item in re.split(r"[/\n]", items)]


_SYLLABLES = _list("ba/cor/del/fen/gal/hol/jun/kes/lum/mar/nor/pel/quin/ras/sol/tav/ur/ven/wil/zan/bri/mo/ta/li/ko/ri")
_SLOTS: dict[str, list[str]] = {
    "tech": _list(
        """Kafka/Postgres/Redis/Kubernetes/Terraform/Elasticsearch/RabbitMQ/Cassandra/Spark/Airflow/gRPC/GraphQL
        DynamoDB/Prometheus/Grafana/Jenkins/Nginx/Envoy/Vault/Snowflake/Django/React/Rust/Go/Python/Scala/C++
        {name}"""
    ),
    "thing": _list("the {noun}/the {noun}/the {adj} {noun}/the {noun} {noun}/a {adj} {noun}/{name}/our {adj} {noun}"),
    "noun": _list(
        """cache/queue/gateway/scheduler/invoice/search/retry/login/client/job/migration/pool/balancer/flag/log
        webhook/limiter/report/session/import/worker/checkout/pricing/index/table/cluster/region/tenant
        contract/sprint
        roadmap/interview/deadline/outage/incident/pager/runbook/dashboard/metric/alert/trace/thread/lock/socket/proxy
        certificate/token/password/account/customer/ticket/refund/payment/shipment/warehouse/catalog/image/video/map
        model/feature/label/notebook/batch/stream/topic/offset/partition/replica/backup/snapshot/schema/column/query
        join/plan/cursor/driver/library/compiler/linter/branch/merge/commit/release/build/artifact/container/node
        kernel/disk/packet/router/firewall/vendor/budget/estimate/proposal/diagram/whiteboard/document/comment/review
        test/fixture/mock/assertion/bug/crash/leak/spike/timeout/threshold/quota/window/clock/calendar/email/template
        form/button/page/screen/keyboard/sensor/battery/device/firmware/protocol/parser/buffer/stack/heap/pointer"""
    ),
    "adj": _list(
        """broken/nightly/legacy/internal/public/tiny/giant/flaky/stale/shared/nested/generic/manual/automatic/weekly
        regional/temporary/permanent/obscure/expensive/brittle/clever/boring/clean/messy/slow/quick/silent
        noisy/strict
        loose/global/local/hidden/obvious/partial/complete/custom/standard/critical/minor/early/final/second
        European"""
    ),
    "verbed": _list(
        """moved/rewrote/tested/profiled/deleted/renamed/split/merged/measured/documented/patched/replaced/wrapped
        cached/sharded/throttled/monitored/audited/refactored/reviewed/explained/drew/sketched/shipped/delayed
        cancelled
        restored/restarted/isolated/reproduced/debugged/simplified/extended/automated/scripted/exported
        imported/joined
        estimated/prioritised/defended/questioned/postponed/presented/inherited/adopted/retired/encrypted
        compressed"""
    ),
    "how": _list(
        """by hand/in production/on a whiteboard/over lunch/with a script/behind a flag/in small steps
        without telling anyone/in one evening/with plenty of tests/from scratch/against all advice/in the open
        step by step/on my own laptop
        with half the team/during a call/out of curiosity/under pressure/with a stopwatch/for the very first time"""
    ),
    "who": _list(
        """my manager/the data team/a senior engineer/our designer/the product owner/two people on call
        the platform group/one of the interns/the security reviewers/a contractor/the support desk
        our tech lead/the finance folks
        another squad/the vendor/a new hire/someone from legal/the person before me/an architect/our biggest customer
        Marta/Tobias/Wei/Aisha/Pawel/Jerome/Ingrid/Samuel/Noor/Lucia"""
    ),
    "when": _list(
        """last spring/in the second week/right before the holiday/around midnight/on a Friday afternoon
        during the audit/three days later/a month after launch/in the first sprint/over the weekend
        by the end of the quarter
        the morning after/back in my previous job/at the very start/two winters ago/just after the reorganisation
        in the middle of a demo/while everyone was travelling/on my fourth day/towards the end/once it was quiet"""
    ),
    "n": _list(
        """two/three/four/five/six/seven/eight/nine/ten/twelve/fifteen/twenty/thirty/forty/fifty/sixty/a hundred
        15/50/13/30/200/350/1,200/4,000/17/70/90/99/twenty-five/forty-two"""
    ),
    "unit": _list("seconds/minutes/hours/days/percent/requests/users/servers/tickets/gigabytes/endpoints/tests/rows"),
    "why": _list(
        """nobody owned {thing} anymore/the {noun} did not add up/{thing} could not handle the {noun}
        we had no {noun} on it/{thing} was never tested/customers were seeing {adj} numbers
        it was quicker than arguing about {thing}
        {thing} was about to expire/I wanted to understand {thing} first/{thing} kept timing out under load
        {thing} was held far too long/we had promised {thing} to {who}/{thing} was filling up without anyone noticing
        reading {thing} {how} was hopeless/everyone had a different idea of {thing}/the way back was unclear to {who}
        a single {adj} {noun} blocked {thing}/{thing} passed but {thing} didn't/{who} had asked for {thing} {when}"""
    ),
    "result": _list(
        """the {noun} rate dropped within {n} {unit}/{thing} went back to normal
        we stopped getting paged about {thing}
        it never came back/we still lost {n} {unit}/{who} trusted {thing} again/I wrote it up {how}
        {thing} went out without drama/we ended up with {thing} anyway/nobody complained about {thing} after that
        {noun} tickets fell by {n} percent/it was {adj} in the best way/we could finally drop {thing}
        I learned to ask {who} earlier/it took longer than {who} had guessed/{thing} got shared {how}"""
    ),
}
_CLAUSES = _list(
    """we {verbed} {thing} on {tech} because {why}/I {verbed} {thing} {how} and then {result}
    {when} {who} told me that {why}/so the first thing I did was {thing}
    it was about {n} {unit} in the worst case/and honestly {thing} was the problem
    I didn't want to touch {thing} until {who} had agreed/we never got {thing} under {n} {unit}
    the trade-off was that {tech} is simpler but {why}/I think I would do {thing} differently today
    {who} wanted {tech} and I was not convinced/what I said was that {why}/we couldn't reproduce {thing} on {tech}
    then {when} I {verbed} {thing} with {who}/I remember {thing} going down {when}/and {result}
    there were {n} {unit} waiting behind {thing}/I asked {who} why {thing} needed {n} {unit}/if {why} then {result}
    we rolled {thing} out to {n} percent of {unit} first/I would not have guessed that {thing} talks to {tech}
    so we {verbed} {thing} instead of {thing}/I owned {thing} for about {n} months/the thing is that {why}
    we had {n} incidents on {thing} {when}/nobody had {verbed} {thing} since {who} left/let me think about that
    {who} pushed back and said {why}/I changed my mind after I {verbed} {thing}/that's a good question
    we {verbed} it before and after and {result}/I wrote a test for {thing} that failed first
    it wasn't {tech} at all it was {thing}/we kept {tech} for {thing} and nothing else/I guess it depends on {thing}
    I told {who} that I had {verbed} {thing}/the hard part was explaining {tech} to {who}/does that make sense
    every {n} {unit} {thing} would restart on its own/I had never {verbed} {thing} before that
    we agreed on {n} {unit} as the limit for {thing}/{thing} and {tech} shared one {noun} which {who} found {when}
    I disagreed with {who} about {thing} but {result}/my part in it was {thing} and the tests around it
    to be fair {who} had warned us {when}/we did not have any {noun} on {thing}
    so {result} and I {verbed} {thing} {how}
    the second time {who} {verbed} {thing} {how}/they {verbed} {thing} {how} while I {verbed} {thing}"""
)
_JOINS = [". ", ". ", ", and ", ", but ", ". And ", ". So ", ", because ", ". Then ", ", which meant ", ". Anyway, "]
_FILLERS = ["um,", "uh,", "er,", "uh", "um", "like,", "you know,", "I mean,"]
_BACKCHANNELS = ["Mm-hmm.", "Right.", "Yeah.", "Okay.", "Uh-huh.", "I see.", "Mm-hmm, mm-hmm.", "Sure."]
_QUESTIONS = _list(
    """How did you find out?/What would you do differently today?/Tell me more about {thing}./Who {verbed} {thing}?
    Why {tech} and not something simpler?/Who else was involved in that?/And how long did {thing} take, {n} {unit}?
    Can you walk me through {thing}?/What did {who} think about {thing}?/When you say {thing}, what do you mean?"""
)


class Talk(NamedTuple):
    """A transcript, and each of the candidate's answers as the (start, end) of its lines, the listener's left out."""

    text: str
    answers: list[list[tuple[int, int]]]


def invented_names(rng: random.Random) -> list[str]:
    """Names of systems that exist nowhere, as every company has them."""
    return ["".join(rng.sample(_SYLLABLES, rng.choice([2, 2, 3]))).capitalize() for _ in range(1500)]


def clause(rng: random.Random, names: list[str]) -> str:
    """One clause of talk, without hesitations."""
    return _fill(rng, rng.choice(_CLAUSES), names)


def talk(seed: int, words: int, labels: bool = False) -> Talk:
    """About `words` words of interview, a line a turn. With `labels` each line begins with its speaker's role.

    A listener's noise cuts an answer into lines wherever it falls, in the middle of a sentence too.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    names = invented_names(rng)
    out: list[str] = []
    answers: list[list[tuple[int, int]]] = []
    at = count = 0

    def add(role: str, line: str) -> tuple[int, int]:
        nonlocal at, count
        label = f"{role}: " if labels else ""
        out.append(f"{label}{line}\n")
        start = at + len(label)
        at += len(out[-1])
        count += len(line.split())
        return start, start + len(line)

    while count < words:
        add("Interviewer", _fill(rng, rng.choice(_QUESTIONS), names))
        said = clause(rng, names)
        for _ in range(rng.randint(3, 14)):
            said += rng.choice(_JOINS) + clause(rng, names)
        spoken = _hesitating(rng, said[0].upper() + said[1:] + ".").split(" ")
        cuts = sorted(rng.sample(range(1, len(spoken)), rng.choice([0, 0, 1, 1, 2])))
        answer = []
        for first, last in zip([0, *cuts], [*cuts, len(spoken)], strict=True):
            if first:
                add("Interviewer", rng.choice(_BACKCHANNELS))
            answer.append(add("Candidate", " ".join(spoken[first:last])))
        answers.append(answer)
    return Talk("".join(out), answers)


def _fill(rng: random.Random, template: str, names: list[str]) -> str:
    while "{" in template:
        template = re.sub(
            r"\{(\w+)\}", lambda slot: rng.choice(names if slot[1] == "name" else _SLOTS[slot[1]]), template
        )
    return template


def _hesitating(rng: random.Random, sentence: str) -> str:
    """The sentence with fillers and words said twice, as people say it."""
    words: list[str] = []
    for word in sentence.split(" "):
        if rng.random() < 0.05:
            words.append(rng.choice(_FILLERS))
        if rng.random() < 0.008 and word.isalpha():
            words.append(word)
        words.append(word)
    return " ".join(words)

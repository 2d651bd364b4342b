"""Every metric of memOS, named once, on a registry of its own for each process."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Telemetry:
    """What a worker counts; no label ever names a tenant, an agent or a memory."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.process = ProcessCollector(registry=registry)
        self.handled = counter("memos_commands", "Commands handled, by what became of them.", ["stream", "outcome"])
        self.seconds = Histogram(
            "memos_command_seconds",
            "Seconds that handling a command took.",
            ["stream"],
            buckets=SECONDS,
            registry=registry,
        )
        self.retried = counter("memos_retries", "Writes put off to be tried again.", ["stream"])
        self.dead_letters = counter("memos_dead_letters", "Commands that became dead letters.", ["stream", "code"])
        self.discarded = counter(
            "memos_discarded", "Faulty entries thrown away since dead letters were full.", ["stream"]
        )
        self.expired = counter("memos_expired_reads", "Reads dropped since nobody waited any more.", ["stream"])
        self.claimed = counter(
            "memos_entries_claimed",
            "Entries taken over from a worker that was dead or stalled.",
            ["stream", "reason"],
        )
        self.failures = counter("memos_engine_failures", "Calls of an engine that failed.", ["engine"])
        self.up = gauge("memos_engine_up", "Whether an engine answers this worker: 1 or 0.", ["engine"])
        self.behind = gauge(
            "memos_projection_behind", "Records that a projection lacks or has too many.", ["projection"]
        )
        self.to_compare = gauge(
            "memos_memories_to_compare", "Memories that have not been compared with the others yet."
        )
        self.placed = gauge("memos_facts_position", "Position of the newest fact that is published.")


class FacadeTelemetry:
    """What the facade counts, and what it finds on the bus when it is asked."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        ProcessCollector(registry=registry)
        self.requests = counter(
            "memos_requests", "Requests answered, by the template of their route.", ["method", "route", "status"]
        )
        self.seconds = histogram(
            "memos_request_seconds",
            "Seconds from a request to the beginning of its answer.",
            ["method", "route"],
            buckets=SECONDS,
        )
        self.llm_requests = counter(
            "memos_llm_requests",
            "Requests to language models answered, by what became of them.",
            ["model", "outcome"],
        )
        self.llm_tokens = counter(
            "memos_llm_tokens", "Tokens that language models took, and that the cache saved.", ["model", "kind"]
        )
        self.llm_money = counter(
            "memos_llm_money",
            "Money that calls of language models cost, and that the cache saved, by the prices of the settings.",
            ["model", "kind"],
        )
        self.llm_seconds = histogram(
            "memos_llm_seconds",
            "Seconds from a request to a language model to the end of its answer.",
            ["outcome"],
            buckets=(*SECONDS, 60, 120),
        )
        self.bus_up = gauge("memos_bus_up", "Whether the bus answers the facade: 1 or 0.")
        self.workers = gauge("memos_workers", "Workers that have shown a sign of life.", ["lane"])
        self.queued = gauge(
            "memos_queue_entries", "Entries by where they are: queued, delayed or dead.", ["stream", "place"]
        )

"""A span for each prediction, by OpenTelemetry and its standard variables; imported only where these ask for it.

A client's trace context (W3C: `traceparent`, `tracestate`, `baggage`) is the span's parent, and is there while the
model predicts, so that what the model calls continues the trace. In a joined prediction, which has many parents, it is
not.
"""

import contextvars
import logging

from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from podium.runtime.exchange import Request
from podium.runtime.faults import Fault
from podium.runtime.identity import Identity

log = logging.getLogger(__name__)

_UNNAMED = "unknown_service"  # what the SDK writes where OTEL_SERVICE_NAME is not set
_SERVER_ERROR = 500


class Tracer:
    """Begins spans. Sampler, batches, headers and endpoint are the SDK's, which reads its variables itself."""

    def __init__(self) -> None:
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, _UNNAMED)).startswith(_UNNAMED):
            resource = resource.merge(Resource({SERVICE_NAME: "podium"}))
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("podium.runtime")

    def begin(self, request: Request, who: Identity) -> None:
        """Begin the span of a prediction by this version; the request carries it."""
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        parent = propagate.extract(sent)
        span = self._tracer.start_span(
            f"{request.method} {request.path}",
            parent,
            trace.SpanKind.SERVER,
            {
                "http.request.method": request.method,
                "url.path": request.path,
                "podium.model": who.model,
                "podium.version": who.version,
                "podium.request_id": request.id.decode("latin-1"),
            },
        )
        inside = contextvars.copy_context()
        inside.run(context.attach, trace.set_span_in_context(span, parent))
        request.trace = _Span(span, inside)

    def close(self) -> None:
        """Send what waits to be sent. Takes up to OTEL_EXPORTER_OTLP_TIMEOUT where no collector answers."""
        self._provider.shutdown()


class _Span:
    """Implements exchange.Trace."""

    def __init__(self, span: trace.Span, inside: contextvars.Context) -> None:
        self._span = span
        self.context = inside

    def end(self, fault: Fault | None) -> None:
        status = 200 if fault is None else int(fault.status)
        outcome = "ok" if fault is None else str(fault.outcome or "abandoned")
        self._span.set_attributes({"http.response.status_code": status, "podium.outcome": outcome})
        if fault is not None and status >= _SERVER_ERROR:
            self._span.set_status(trace.StatusCode.ERROR, fault.message)
        self._span.end()

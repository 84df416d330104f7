"""Speaking with the service that receives children's records: a token, a request, an answer, and when to try again.

What is sent is what both published clients of the sector send, so the Department for Education's service and
samechild are spoken to alike: OAuth 2 client credentials with the secret in the form (RFC 6749, 4.4), ``SupplierKey``,
a JSON array. Nothing but these goes to an address; redirects are not followed. Certificates are checked against those
the machine itself trusts, which on a council's network include the ones that inspect TLS.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import msgspec

from samechild.collection.send.config import Config, Credentials
from samechild.errors import Invalid, Missing, Unauthenticated

AGENT = "samechild-submit"
LARGEST_ANSWER = 4 << 20
LONGEST_WAIT = 300.0
"""Seconds; however long a service asks to wait."""

TRY_AGAIN = frozenset({0, 408, 425, 429, 500, 502, 503, 504})
TRY_ONCE_AGAIN = frozenset({403})
"""What gateways in front of a service answer to bursts; if it was meant, a second try harms nothing."""

_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id")


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status (0: nothing), the text, and the service's own name for the request."""

    status: int
    text: str = ""
    request_id: str = ""
    wait: float = 0.0
    content_type: str = ""
    tries: int = 1


class Around(msgspec.Struct, frozen=True):
    """What the world outside gives: a clock, a pause, chance (0 to 1), and a way to the network (None: the usual)."""

    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    transport: httpx.BaseTransport | None = None


class Connection:
    """A connection to one service. Close it after use. It never prints what it holds."""

    def __init__(self, config: Config, credentials: Credentials, around: Around) -> None:
        send = config.send
        self._config, self._credentials, self._around = config, credentials, around
        self._token = ""
        self._last = 0.0
        self.requests = self.retries = self.sent_bytes = 0
        self._client = httpx.Client(
            timeout=httpx.Timeout(send.timeout),
            verify=trusted(config.beside(send.certificates) if send.certificates else None),
            proxy=proxy_at(send.proxy),
            transport=around.transport,
            follow_redirects=False,
            headers={"User-Agent": AGENT},
        )

    def __repr__(self) -> str:
        return "Connection(hidden)"

    def close(self) -> None:
        """Close the network connections."""
        self._client.close()

    def token(self) -> Answer:
        """Ask for a token and keep it; the answer is without the token.

        Raises Unauthenticated when none is given, after the tries that may help.
        """
        told = self._credentials
        form = {
            "client_id": told.client_id,
            "client_secret": told.client_secret,
            "scope": told.scope,
            "grant_type": "client_credentials",
        }
        answer = self._tried(lambda: self._request(told.token_endpoint, {"Accept": "application/json"}, form=form))
        token = _token_in(answer.text) if answer.status == 200 else ""
        if not token:
            raise Unauthenticated(
                f"No token was given ({meaning(answer)}): check TOKEN_ENDPOINT, CLIENT_ID, CLIENT_SECRET and SCOPE."
            )
        self._token = token
        return msgspec.structs.replace(answer, text="")

    def post(self, body: bytes) -> Answer:
        """Send one request, trying again while that may help; a token that ran out is fetched anew once.

        Raises Unauthenticated when no token is given.
        """
        if not self._token:
            self.token()
        answer = self._tried(lambda: self._send(body))
        if answer.status == 401:
            self.token()
            answer = self._tried(lambda: self._send(body))
        return answer

    def post_once(self, body: bytes) -> Answer:
        """Send one request without trying again, to see what the service says."""
        if not self._token:
            self.token()
        return self._send(body)

    def _send(self, body: bytes) -> Answer:
        told = self._credentials
        self._pace()
        headers = {
            "Authorization": f"Bearer {self._token}",
            "SupplierKey": told.supplier_key,
            "Content-Type": "application/json",
            "Accept": "application/json, application/problem+json, text/plain;q=0.5",
        }
        return self._request(told.address, headers, body=body)

    def _pace(self) -> None:
        """Leave the pause between two requests that the settings ask for, and a little more by chance."""
        now = self._around.clock().timestamp()
        pause = self._config.send.pause
        left = min(self._last + pause - now, pause)  # whatever the clock does, never more than the pause
        if self._last and left > 0:
            self._around.sleep(left + pause * 0.25 * self._around.chance())
        self._last = self._around.clock().timestamp()

    def _tried(self, ask: Callable[[], Answer]) -> Answer:
        """Ask until there is an answer that another try would not change."""
        tries = self._config.send.tries
        for number in range(1, tries + 1):
            answer = msgspec.structs.replace(ask(), tries=number)
            again = (
                answer.status == 0 or answer.status in TRY_AGAIN or (answer.status in TRY_ONCE_AGAIN and number == 1)
            )
            if not again or number == tries:
                return answer
            self.retries += 1
            most = min(2.0**number, 60.0)
            wait = answer.wait or most * (0.5 + 0.5 * self._around.chance())
            self._around.sleep(min(wait, LONGEST_WAIT))
        return answer

    def _request(
        self, url: str, headers: dict[str, str], *, form: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        self.requests += 1
        self.sent_bytes += len(body or b"")
        try:
            with self._client.stream("POST", url, headers=headers, data=form, content=body) as answer:
                told = _read(answer)
        except httpx.ProxyError:
            return Answer(0, "the proxy refused")
        except httpx.ConnectError as error:
            return Answer(0, _why_not(error))
        except httpx.TimeoutException:
            return Answer(0, "no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            return Answer(0, "the connection broke")
        wait = _retry_after(answer.headers.get("Retry-After", ""), self._around.clock())
        request_id = next((answer.headers[name] for name in _REQUEST_IDS if name in answer.headers), "")
        return Answer(answer.status_code, told, request_id[:100], wait, answer.headers.get("Content-Type", ""))


def _read(answer: httpx.Response) -> str:
    body = b""
    for part in answer.iter_bytes():
        body += part
        if len(body) > LARGEST_ANSWER:
            break
    return body[:LARGEST_ANSWER].decode("utf-8", "replace")


class _Token(msgspec.Struct):
    access_token: str = ""


def _token_in(text: str) -> str:
    try:
        token = msgspec.json.decode(text, type=_Token).access_token
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return token if token.isascii() and token.isprintable() and " " not in token else ""


def _why_not(error: httpx.ConnectError) -> str:
    words = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return "the certificate is not trusted (does the network inspect TLS? name its authority under certificates)"
    if "SSL" in words or "TLS" in words:
        return "no encrypted connection could be agreed"
    return "no connection"


def _retry_after(written: str, now: datetime) -> float:
    """How many seconds a service asks to wait: a whole number, or a moment (RFC 9110, 10.2.3)."""
    written = written.strip()
    if written.isascii() and written.isdecimal() and len(written) < 6:
        return float(written)
    try:
        moment = parsedate_to_datetime(written)
    except (ValueError, TypeError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def proxy_at(written: str) -> httpx.Proxy | None:
    """The proxy at an address; None: as the machine is set. Raises Invalid when it is none."""
    if not written:
        return None
    try:
        return httpx.Proxy(written)
    except (ValueError, httpx.InvalidURL):
        raise Invalid("proxy under [send] is no address: write http://HOST:PORT.") from None


def trusted(path: Path | None = None) -> ssl.SSLContext:
    """The machine's own authorities and those in a PEM file; TLS 1.2 at least. Raises Missing or Invalid."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if path is not None:
        try:
            context.load_verify_locations(cafile=str(path))
        except FileNotFoundError:
            raise Missing(f"There is no {path}: correct certificates under [send].") from None
        except (ssl.SSLError, OSError):
            raise Invalid(f"{path} holds no certificates in PEM form.") from None
    return context


_MEANINGS = {
    0: "the service could not be reached",
    204: "nothing was kept: the service sent no receipts",
    400: "it says that the records are malformed",
    401: "the token was not accepted",
    403: "not allowed: check LA_CODE, SUPPLIER_KEY and whether an agreement is in force",
    404: "there is nothing at this address: check API_ENDPOINT",
    405: "the address takes no records: check API_ENDPOINT",
    407: "the proxy wants to know who you are: name proxy under [send]",
    408: "it did not get the request in time",
    413: "too much at once: make batch smaller",
    415: "it does not take this kind of content",
    429: "too many requests in a short time: make pause longer",
}


def meaning(answer: Answer) -> str:
    """What an answer means, in words that say what to do next; holds nothing of a record."""
    words = _MEANINGS.get(answer.status) or ("the service failed: try again later" if answer.status >= 500 else "")
    name = f"status {answer.status}" if answer.status else answer.text
    told = f"{name}, {words}" if words else name
    return f"{told} (request {answer.request_id})" if answer.request_id else told

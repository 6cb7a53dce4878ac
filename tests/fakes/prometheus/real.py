"""A real Prometheus (``scripts/get_prometheus.sh``): filled with samples of the past, or scraping now."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

BINARIES = Path(__file__).resolve().parents[3] / ".tools" / "prometheus" / "usr" / "bin"
READY = 30.0  # seconds; it takes less than one where the machine is free
YEARS = "10y"  # samples of the past must not be thrown away


@dataclass
class Samples:
    """What a server has seen, by metric and labels: (seconds since 1970, value)."""

    series: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[float, float]]] = field(
        default_factory=dict
    )

    def add(self, metric: str, labels: Mapping[str, str], at: datetime | float, value: float) -> None:
        """One sample; those of one series in the order of their times."""
        seconds = at.timestamp() if isinstance(at, datetime) else at
        self.series.setdefault((metric, tuple(sorted(labels.items()))), []).append((seconds, value))

    def text(self) -> str:
        """As OpenMetrics, which ``promtool`` makes blocks of."""
        lines = []
        for (metric, labels), samples in sorted(self.series.items()):
            inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
            lines += [f"{metric}{{{inside}}} {value!r} {at:.3f}" for at, value in samples]
        return "\n".join([*lines, "# EOF", ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def binary(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``; without it the test is skipped, which on CI is a failure."""
    path = BINARIES / name
    if not path.exists():
        pytest.skip(f"{name} is not there: scripts/get_prometheus.sh fetches it")
    return str(path)


@contextlib.asynccontextmanager
async def filled(samples: Samples, folder: Path, *flags: str) -> AsyncIterator[str]:
    """The address of a server that knows *samples*, which lie before now; *flags*: of its command line."""
    page, data = folder / "samples.txt", folder / "data"
    page.write_text(samples.text(), encoding="utf-8")
    promtool = await asyncio.create_subprocess_exec(
        binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet", page, data,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await promtool.communicate()
    assert promtool.returncode == 0, output.decode()
    async with serving(data, folder, "global: {}\n", *flags) as url:
        yield url


@contextlib.asynccontextmanager
async def scraping(
    targets: Iterable[str], every: str, folder: Path, job: str = "shop", rules: str = "", *flags: str
) -> AsyncIterator[str]:
    """The address of a server that scrapes *targets* (``host:port``) as *job*, and evaluates the file *rules*."""
    listed = ", ".join(f"'{target}'" for target in targets)
    config = (
        f"global: {{scrape_interval: {every}, scrape_timeout: {every}, evaluation_interval: {every}}}\n"
        f"rule_files: [{rules}]\n"
        f"scrape_configs: [{{job_name: {job}, static_configs: [{{targets: [{listed}]}}]}}]\n"
    )
    async with serving(folder / "data", folder, config, *flags) as url:
        yield url


@contextlib.asynccontextmanager
async def serving(data: Path, folder: Path, config: str, *flags: str) -> AsyncIterator[str]:
    """The address of a server over *data*, once it is ready."""
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    port = _free_port()
    with (folder / "prometheus.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            binary("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={data}",
            f"--storage.tsdb.retention.time={YEARS}",
            f"--web.listen-address=127.0.0.1:{port}",
            *flags,
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            await _ready(url, server, folder / "prometheus.log")
            yield url
        finally:
            if server.returncode is None:
                server.kill()
            await server.wait()


async def _ready(url: str, server: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(READY), aiohttp.ClientSession() as session:
        while True:
            assert server.returncode is None, f"it has ended: see {log}"
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(f"{url}/-/ready") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        port: int = probing.getsockname()[1]
        return port

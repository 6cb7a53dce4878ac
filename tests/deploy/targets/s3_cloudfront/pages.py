"""Pages of releases, as Angular builds them, and what is put beside them."""

from datetime import datetime

from tests.fakes.aws import AwsWorld

BUCKET, DISTRIBUTION, SITE = "shop-site", "E2EXAMPLE1ABC", "https://shop.example.com"
FILES = ("main-{0}.js", "polyfills-{0}.js", "chunk-{0}.js", "styles-{0}.css")


def page(release: str, text: str = "") -> str:
    """The index.html of *release*; with another *text* it is another release."""
    main, polyfills, chunk, styles = (name.format(release) for name in FILES)
    return (
        f'<!doctype html><html><head><base href="/"><link rel="stylesheet" href="{styles}">'
        f'<link rel="modulepreload" href="{chunk}"></head><body><app-root>{text}</app-root>'
        f'<script src="{polyfills}" type="module"></script><script src="{main}" type="module"></script></body></html>'
    )


def upload(world: AwsWorld, release: str, at: datetime, *, shared: bool = True, text: str = "") -> None:
    """A pipeline puts *release* into the bucket: its files, then its page; nothing is live by that."""
    prefix = "" if shared else f"releases/{release}/"
    for name in FILES:
        world.s3.put(BUCKET, f"{prefix}{name.format(release)}", f"// {release}", at)
    world.s3.put(
        BUCKET,
        f"releases/{release}/index.html",
        page(release, text),
        at,
        metadata={"release": release},
        CacheControl="no-cache",
        ContentType="text/html",
    )

"""What a browser takes out of a page."""

import pytest

from watcher.signals.page.document import MOST_PIECES, Role, Unreadable, read

HERE = "https://shop.example.com/de/index.html?x"


def assets(text: str) -> dict[str, Role]:
    return {asset.url: asset.role for asset in read(text, HERE).assets.values()}


def test_files_are_found_from_where_the_page_says_they_are():
    text = '<script src=a.js></script><base href="/app/"><base href="/no/"><script src="b.js?v=1#x"></script><script src="//cdn.example.com/c.js"></script>'

    assert list(assets(text)) == [
        "https://shop.example.com/de/a.js",
        "https://shop.example.com/app/b.js?v=1",
        "https://cdn.example.com/c.js",
    ]


@pytest.mark.parametrize(
    ("tag", "role"),
    [
        ("<script src=x>", Role.SCRIPT),
        ("<SCRIPT SRC=x DEFER />", Role.SCRIPT),
        ('<script src=x type="text/javascript">', Role.SCRIPT),
        ('<script src=x type="module">', Role.MODULE),
        ('<script src=x type="application/json">', None),
        ("<link rel=modulepreload href=x>", Role.MODULE),
        ("<link rel='preload stylesheet' href=x>", Role.STYLE),
        ("<link rel=preload as=script href=x>", Role.SCRIPT),
        ("<link rel=preload as=font href=x>", Role.OTHER),
        ("<link rel=prefetch as=script href=x>", Role.SCRIPT),
        ("<link rel=preload as=image href=x>", None),
        ("<link rel=icon href=x>", None),
        ("<link rel='alternate stylesheet' href=x>", None),
        ("<link rel=stylesheet disabled href=x>", None),
        ("<link rel=stylesheet>", None),
        ("<script src='data:text/javascript,1'>", None),
        ("<script src='http://[x'>", None),
        ("<!-- <script src=x></script> -->", None),
        ("<noscript><link rel=stylesheet href=x></noscript>", None),
        ("<template><script src=x></script></template>", None),
        ("<script>document.write('<script src=x>')</script>", None),
    ],
)
def test_what_a_tag_names_is_taken_for_what_a_browser_takes_it_for(tag, role):
    assert list(assets(tag).values()) == ([role] if role else [])


def test_what_is_preloaded_and_then_used_is_what_it_is_used_as():
    text = "<link rel=preload as=script href=x><script type=module src=x integrity=sha256-a></script><link rel=modulepreload href=x>"

    (asset,) = read(text, HERE).assets.values()
    assert (asset.role, asset.integrity) == (Role.MODULE, "sha256-a")


def test_scripts_in_the_page_and_its_marks_are_read():
    document = read(
        '<meta name="Release" content=" v2 "><meta property=og:x content=y><script>a="<b>"</script>'
        '<script type="application/json">{"no": 1}</script><script src=x>no</script>',
        HERE,
    )

    assert document.scripts == ['a="<b>"']
    assert document.metas == {"release": " v2 ", "og:x": "y"}


@pytest.mark.parametrize(
    "piece", ["<a ", "<!--", "<![CDATA[", "</", "<!", "<?", "<a x='", "<script>", "<script></scrip", "&#"]
)
def test_a_page_that_is_made_to_hurt_is_read_once(piece):
    # The parser's `close` takes a minute for the first of these.
    assert read(piece * (120_000 // len(piece)), HERE).assets == {}


def test_a_page_of_too_many_pieces_is_none():
    with pytest.raises(Unreadable):
        read("<p>" * (MOST_PIECES + 1), HERE)


def test_what_browsers_take_for_a_comment_is_one():
    text = '<![ x ><script src="/a.js"></script><![CDATA[ > <script src="/b.js"></script> <![<![<!['

    assert list(read(text, "http://a/").assets) == ["http://a/a.js", "http://a/b.js"]

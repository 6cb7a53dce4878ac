"""Cookies of one exchange: they go back to where they came from."""

from watcher.http.cookies import LONGEST, MOST, Cookies


async def test_a_cookie_goes_where_a_browser_would_send_it():
    cookies = Cookies()
    cookies.keep(
        "https://a.shop.example/x/y", ["own=1", "wide=2; Domain=shop.example; Path=/", "top=3; Path=/"]
    )
    cookies.keep(
        "https://a.shop.example/", ["safe=4; Secure; Path=/", "no=5; Domain=example; Path=/", "x y", ""]
    )

    assert cookies.header("https://a.shop.example/x/z") == "wide=2; top=3; safe=4; own=1"
    assert cookies.header("https://b.shop.example/") == "wide=2"
    assert cookies.header("http://a.shop.example/") == "wide=2; top=3"
    assert cookies.header("https://b.example/") == ""
    assert cookies.values() == {"1", "2", "3", "4"}


async def test_a_cookie_that_is_taken_back_is_gone():
    cookies = Cookies()
    cookies.keep("http://127.0.0.1:81/", ["session=1; Path=/"])
    cookies.keep("http://127.0.0.1:81/", ["session=; Max-Age=0; Path=/"])

    assert cookies.header("http://127.0.0.1:81/") == ""


async def test_a_jar_that_somebody_fills_on_purpose_stays_small():
    cookies = Cookies()
    for round_ in range(3):
        cookies.keep("http://a.example/", [f"n{round_}{number}=1; Path=/" for number in range(2 * MOST)])
    cookies.keep("http://b.example/", [f"long={'x' * LONGEST}"])

    assert len(cookies.header("http://a.example/").split("; ")) == MOST
    assert cookies.header("http://b.example/") == ""


async def test_a_cookie_is_kept_whatever_else_its_line_says():
    cookies = Cookies()
    cookies.keep("https://a.example/", ["apart=1; Path=/; Secure; Partitioned", 'cart={"n":2}; Path=/'])
    cookies.keep("https://a.example/", ["first=3; Path=/; Priority=High; second=4"])

    assert cookies.header("https://a.example/") == 'apart=1; cart={"n":2}; first=3'

"""The white-screen check of a page that draws itself by scripts. Kind `probe`, provider `page`.

The page is fetched as a browser does, and so is every file that it names: a page whose script is missing answers 200 and
shows nothing. Where files are served from a bucket behind a CDN a missing one is answered with the page itself and 200, so
the kind of each file is looked at too. A page is the release's that its marker names: an old one from a cache is nobody's,
and is called by what it is; one whose files are gone counts against the release that took them away.

What is seen: what the page names itself. What scripts load later (lazy chunks) is seen only where the page preloads it.
"""

from watcher.signals.page.provider import KIND

__all__ = ["KIND"]

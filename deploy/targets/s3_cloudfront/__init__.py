"""A static site (Angular, React...) in a bucket of S3, behind CloudFront: moved by whatever says which release is live.

    settings       what is configured                     needs    the permissions to act
    page           what a page is, and what it names      edge     what the site serves, asked as anybody may
    pointer        what says which release is live; three layouts: index_pointer, origin_path, key_value_store
    reading        all calls that read                    wording  AWS's words for people
    trace          our last move, beside the pointer      shares   how a key shares a site out between two releases
    resolving, moving, progressing, foretelling, recalling, examining
                   one operation of a target each         target   all of them together
    sharing        the target of a site that is shared out between two releases

Source:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistS3AndCustomOrigins.html
"""

from deploy.ports import World
from deploy.target import Kind, Place
from deploy.targets.leaving import besides
from deploy.targets.s3_cloudfront.needs import needs
from deploy.targets.s3_cloudfront.settings import Settings, addresses, misplaced, unstaged
from deploy.targets.s3_cloudfront.sharing import SharedSite
from deploy.targets.s3_cloudfront.target import Site


def opened(settings: Settings, place: Place, world: World) -> Site:
    """The target; one that can be shared out where its function picks one of two releases."""
    return SharedSite(settings, place, world) if settings.traffic else Site(settings, place, world)


_STAYS = "and the pages that people have open, with what they keep in the browser (storage, service workers)"
KIND = Kind(
    settings=Settings,
    open=opened,
    on_aws=True,
    addresses=addresses,
    needs=needs,
    misplaced=misplaced,
    unstaged=unstaged,
    stands_by=True,
    lingers=lambda _settings: True,
    not_undone=besides(_STAYS),
)

__all__ = ["KIND", "Settings", "SharedSite", "Site", "addresses", "misplaced", "opened"]

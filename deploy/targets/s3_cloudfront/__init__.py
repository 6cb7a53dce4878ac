"""A static site (Angular, React...) in a bucket of S3, behind CloudFront: moved by whatever says which release is live.

    settings       what is configured                     needs    the permissions to act
    page           what a page is, and what it names      edge     what the site serves, asked as anybody may
    pointer        what says which release is live; three layouts: index_pointer, origin_path, key_value_store
    reading        all calls that read                    wording  AWS's words for people
    trace          our last move, beside the pointer
    resolving, moving, progressing, foretelling, recalling, examining
                   one operation of a target each         target   all of them together

Source:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistS3AndCustomOrigins.html
"""

from deploy.target import Kind
from deploy.targets.s3_cloudfront.needs import needs
from deploy.targets.s3_cloudfront.settings import Settings, addresses, misplaced
from deploy.targets.s3_cloudfront.target import Site

KIND = Kind(settings=Settings, open=Site, on_aws=True, addresses=addresses, needs=needs, misplaced=misplaced)

__all__ = ["KIND", "Settings", "Site", "addresses", "misplaced"]

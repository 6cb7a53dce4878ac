"""Every strategy of deployment, on each platform that has it: the story of a good release, and that of a bad one.

Each is told from the first news to the verified end, as `docs/strategies.md` lists them; ``test_guide.py`` holds both together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.scenarios import test_good_and_bad, test_starting
from tests.scenarios.aws import (
    test_appconfig,
    test_appconfig_flags,
    test_beanstalk,
    test_beanstalk_swap,
    test_codedeploy,
    test_codedeploy_hooks,
    test_ecs,
    test_ecs_hooks,
    test_flag_stages,
    test_flagd,
    test_github_actions,
    test_lambda,
    test_launchdarkly,
    test_load_balancer,
    test_site,
    test_site_stages,
    test_stages,
    test_unleash,
    test_unleash_stages,
)

Story = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Told:
    """Two stories, and of which of their parameters they are (by its id)."""

    good: Story
    bad: Story
    of: str = ""


ROLLING, BLUE_GREEN, CANARY, TOGGLE = "rolling", "blue-green", "canary", "toggle"

STORIES: Mapping[tuple[str, str], Told] = {
    (ROLLING, "ECS, its own rolling update"): Told(
        test_ecs.test_a_good_release_passes_and_its_task_definition_says_so,
        test_ecs.test_a_bad_release_is_heard_of_judged_and_undone,
    ),
    (ROLLING, "CodeDeploy in place (EC2, IIS)"): Told(
        test_codedeploy.test_a_good_release_passes_and_the_group_says_so,
        test_codedeploy.test_a_bad_release_is_heard_of_judged_and_undone,
    ),
    (ROLLING, "Elastic Beanstalk, rolling"): Told(
        test_beanstalk.test_a_good_release_passes_and_its_version_says_so,
        test_beanstalk.test_what_is_bad_while_it_rolls_is_broken_off_and_then_put_back,
    ),
    (ROLLING, "two programs of your own"): Told(
        test_good_and_bad.test_a_good_release_passes_after_its_bake_and_nobody_hears_of_it,
        test_good_and_bad.test_a_release_that_fails_from_the_switch_on_is_back_within_three_buckets,
    ),
    (ROLLING, "a workflow of GitHub Actions"): Told(
        test_github_actions.test_a_good_tag_passes_and_nothing_is_dispatched,
        test_github_actions.test_a_bad_tag_is_undone_by_a_run_that_is_followed_to_its_end,
    ),
    (BLUE_GREEN, "ECS, its own blue-green, at hooks"): Told(
        test_ecs_hooks.test_a_good_release_is_let_go_on_at_each_hook_and_passes,
        test_ecs_hooks.test_a_bad_release_is_told_to_go_back_at_the_hook_after_its_first_traffic,
        "blue-green",
    ),
    (BLUE_GREEN, "ECS under CodeDeploy"): Told(
        test_codedeploy.test_on_ecs_a_good_release_passes_with_all_the_traffic,
        test_codedeploy.test_on_ecs_a_bad_release_is_given_back_its_traffic_while_the_old_one_stands,
    ),
    (BLUE_GREEN, "ECS under CodeDeploy, at hooks"): Told(
        test_codedeploy_hooks.test_on_ecs_a_good_release_is_told_succeeded_at_each_hook_and_passes,
        test_codedeploy_hooks.test_on_ecs_a_bad_release_is_told_failed_at_the_hook_after_its_traffic_and_codedeploy_goes_back,
    ),
    (BLUE_GREEN, "CodeDeploy on new instances (EC2)"): Told(
        test_codedeploy.test_a_good_release_on_new_instances_passes_once_the_old_ones_have_ended,
        test_codedeploy.test_a_bad_release_on_new_instances_goes_back_while_the_old_ones_stand,
    ),
    (BLUE_GREEN, "Elastic Beanstalk, immutable"): Told(
        test_beanstalk.test_a_good_release_beside_the_old_instances_passes,
        test_beanstalk.test_what_is_bad_beside_the_old_instances_is_gone_with_one_call,
        "Immutable",
    ),
    (BLUE_GREEN, "Elastic Beanstalk, CNAME swap"): Told(
        test_beanstalk_swap.test_a_good_release_passes_and_nothing_is_swapped,
        test_beanstalk_swap.test_a_bad_release_is_judged_where_it_runs_and_the_name_swapped_back_once,
    ),
    (BLUE_GREEN, "two target groups"): Told(
        test_load_balancer.test_a_good_release_passes_and_its_group_says_so,
        test_load_balancer.test_a_bad_release_that_has_all_the_traffic_is_taken_back_as_well,
    ),
    (BLUE_GREEN, "a site, by its page"): Told(
        test_site.test_a_good_release_passes_and_its_page_says_so,
        test_site.test_a_bad_release_is_heard_of_judged_and_undone,
    ),
    (BLUE_GREEN, "a site, by its origin path"): Told(
        test_site.test_by_whatever_layout_a_good_release_passes_and_is_left_alone,
        test_site.test_by_whatever_layout_a_bad_release_is_found_by_reading_and_undone_once,
        "origin_path",
    ),
    (BLUE_GREEN, "a site, by a key value store"): Told(
        test_site.test_by_whatever_layout_a_good_release_passes_and_is_left_alone,
        test_site.test_by_whatever_layout_a_bad_release_is_found_by_reading_and_undone_once,
        "key_value_store",
    ),
    (CANARY, "ECS, its own canary, at hooks"): Told(
        test_ecs_hooks.test_a_good_release_is_let_go_on_at_each_hook_and_passes,
        test_ecs_hooks.test_a_bad_release_is_told_to_go_back_at_the_hook_after_its_first_traffic,
        "canary",
    ),
    (CANARY, "ECS, its own linear rollout, at hooks"): Told(
        test_ecs_hooks.test_a_good_release_is_let_go_on_at_each_hook_and_passes,
        test_ecs_hooks.test_a_bad_release_is_told_to_go_back_at_the_hook_after_its_first_traffic,
        "linear",
    ),
    (CANARY, "Lambda under CodeDeploy, at hooks"): Told(
        test_codedeploy_hooks.test_a_good_version_is_let_go_on_at_both_hooks_and_passes,
        test_codedeploy_hooks.test_a_bad_version_is_stopped_and_has_no_traffic_any_more,
    ),
    (CANARY, "Elastic Beanstalk, traffic splitting"): Told(
        test_beanstalk.test_a_good_release_beside_the_old_instances_passes,
        test_beanstalk.test_what_is_bad_beside_the_old_instances_is_gone_with_one_call,
        "TrafficSplitting",
    ),
    (CANARY, "Lambda, by your pipeline's weights"): Told(
        test_lambda.test_a_good_release_that_is_moved_by_weights_passes_and_its_function_says_so,
        test_lambda.test_a_bad_release_with_a_tenth_of_the_calls_is_taken_back_at_once,
    ),
    (CANARY, "Lambda, in stages"): Told(
        test_stages.test_a_good_version_goes_from_a_twentieth_to_all_calls_and_passes,
        test_stages.test_of_a_bad_version_a_stage_lets_fewer_calls_fail_than_all_at_once_by_far,
    ),
    (CANARY, "target groups, by your pipeline's weights"): Told(
        test_load_balancer.test_a_good_release_passes_and_its_group_says_so,
        test_load_balancer.test_a_bad_release_with_a_tenth_of_the_traffic_is_taken_back_and_those_bound_to_it_are_freed,
    ),
    (CANARY, "target groups, in stages"): Told(
        test_stages.test_a_good_release_gets_all_requests_in_stages_and_who_is_bound_by_a_cookie_stays,
        test_stages.test_a_bad_release_loses_its_requests_and_its_cookies,
    ),
    (CANARY, "a site, in stages"): Told(
        test_site_stages.test_a_good_release_goes_from_a_twentieth_of_the_viewers_to_all_of_them_and_passes,
        test_site_stages.test_a_bad_release_is_taken_from_all_viewers_by_one_call,
    ),
    (CANARY, "a flag of Unleash, in stages"): Told(
        test_unleash_stages.test_a_good_flag_is_turned_on_for_a_twentieth_goes_to_everybody_and_passes,
        test_unleash_stages.test_a_bad_flag_is_turned_off_from_its_first_share,
    ),
    (CANARY, "a flag of LaunchDarkly, in stages"): Told(
        test_flag_stages.test_a_good_variation_goes_from_a_twentieth_to_everybody_and_passes,
        test_flag_stages.test_a_bad_variation_is_taken_from_everybody_at_once,
    ),
    (CANARY, "a variant of AWS AppConfig, in stages"): Told(
        test_appconfig_flags.test_a_good_variant_goes_from_a_twentieth_to_everybody_and_passes,
        test_appconfig_flags.test_a_bad_variant_is_taken_from_everybody_at_once,
    ),
    (CANARY, "AWS AppConfig, as its strategy grows"): Told(
        test_appconfig.test_a_good_version_passes_once_all_have_it_and_its_deployment_says_so,
        test_appconfig.test_a_bad_version_that_a_quarter_has_is_stopped,
    ),
    (CANARY, "begun by order"): Told(
        test_starting.test_a_good_release_is_begun_goes_through_all_stages_and_passes,
        test_starting.test_a_bad_one_is_taken_back_from_the_first_stage_and_not_begun_again,
    ),
    (TOGGLE, "AWS AppConfig, all at once"): Told(
        test_appconfig.test_a_good_version_passes_once_all_have_it_and_its_deployment_says_so,
        test_appconfig.test_a_bad_version_that_all_have_at_once_is_reverted,
    ),
    (TOGGLE, "AWS AppConfig, one flag"): Told(
        test_appconfig_flags.test_a_good_flag_passes,
        test_appconfig_flags.test_a_bad_flag_goes_off_alone_and_what_others_have_changed_since_stays,
    ),
    (TOGGLE, "LaunchDarkly"): Told(
        test_launchdarkly.test_a_good_flag_passes,
        test_launchdarkly.test_a_bad_flag_is_turned_off_again,
    ),
    (TOGGLE, "Unleash"): Told(
        test_unleash.test_a_good_flag_passes_and_a_share_that_was_too_much_goes_back_to_it,
        test_unleash.test_a_bad_flag_is_turned_off_again,
    ),
    (TOGGLE, "flagd, its document in S3"): Told(
        test_flagd.test_a_good_flag_passes,
        test_flagd.test_a_bad_flag_goes_back_and_the_others_of_the_document_stay,
    ),
}

"""What may come beside a good release and a bad one, and the stories that tell it: by reference, so that a name that changes is found."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.scenarios import test_github, test_hooks, test_other_hands, test_own_rollback, test_pipeline
from tests.scenarios.aws import (
    test_appconfig,
    test_appconfig_flags,
    test_beanstalk,
    test_beanstalk_swap,
    test_codedeploy,
    test_ecs,
    test_ecs_hooks,
    test_flagd,
    test_forms,
    test_github_actions,
    test_lambda,
    test_launchdarkly,
    test_load_balancer,
    test_site,
    test_site_sessions,
    test_stages,
    test_staging,
    test_unleash,
)

PLUS: Mapping[str, Sequence[Callable[..., Any]]] = {
    "our rollback's own events": (
        test_own_rollback.test_our_own_rollback_is_read_announced_and_not_watched_anew,
        test_github.test_our_own_statuses_that_come_back_as_events_change_nothing,
        test_github_actions.test_a_bad_tag_is_undone_by_a_run_that_is_followed_to_its_end,
    ),
    "a person deploys over us in the middle": (
        test_other_hands.test_what_a_third_hand_moves_during_our_rollback_is_never_undone,
        test_ecs.test_a_person_who_deploys_while_we_go_back_is_never_undone,
        test_ecs.test_a_person_who_deploys_just_before_we_move_is_never_undone,
        test_codedeploy.test_a_person_who_stops_our_way_back_and_deploys_is_never_undone,
        test_beanstalk.test_a_person_who_deploys_while_we_go_back_is_never_undone,
        test_lambda.test_a_person_who_deploys_while_we_go_back_from_a_bad_release_is_never_undone,
        test_load_balancer.test_a_person_who_deploys_while_we_go_back_from_a_bad_release_is_never_undone,
        test_site.test_a_person_who_deploys_while_we_go_back_is_never_undone,
        test_appconfig.test_a_person_who_deploys_while_we_go_back_is_never_undone,
        test_appconfig_flags.test_a_person_who_deploys_while_we_go_back_is_never_undone,
        test_launchdarkly.test_a_person_who_changes_the_flag_while_we_go_back_is_never_undone,
        test_flagd.test_a_person_who_puts_another_document_while_we_go_back_is_never_undone,
        test_unleash.test_a_person_who_turns_it_on_again_while_we_go_back_is_never_undone,
        test_github_actions.test_a_person_who_dispatches_another_tag_while_we_go_back_is_never_undone,
    ),
    "the platform rolls back first": (
        test_ecs.test_a_circuit_breaker_that_is_quicker_is_watched_and_not_ordered_about,
        test_ecs_hooks.test_a_daemon_that_is_dead_lets_nothing_pass_and_finds_it_gone_back,
        test_appconfig.test_where_appconfigs_own_alarm_takes_it_back_first_it_is_watched_and_not_fought,
        test_appconfig_flags.test_where_appconfigs_own_alarm_takes_it_back_first_it_is_watched_and_not_fought,
        test_hooks.test_a_platform_that_loses_patience_rolls_back_and_is_not_fought,
    ),
    "the known-good image is gone": (
        test_ecs.test_where_the_only_known_good_image_is_gone_nothing_is_moved_and_people_are_told_which,
        test_ecs.test_where_the_image_of_the_known_good_release_is_gone_it_goes_back_to_the_one_before_and_says_so,
        test_beanstalk.test_a_version_that_a_lifecycle_rule_has_deleted_needs_a_person_who_is_told_so,
        test_beanstalk_swap.test_an_environment_that_is_terminated_too_soon_is_foretold_and_needs_a_person_when_it_is_needed,
    ),
    "the stop hook of the bad release fails": (
        test_codedeploy.test_a_bad_release_whose_stop_hook_fails_is_undone_all_the_same,
        test_codedeploy.test_a_release_that_is_bad_while_it_is_being_rolled_out_is_stopped_and_undone,
    ),
    "sticky users": (
        test_load_balancer.test_a_bad_release_with_a_tenth_of_the_traffic_is_taken_back_and_those_bound_to_it_are_freed,
        test_stages.test_a_good_release_gets_all_requests_in_stages_and_who_is_bound_by_a_cookie_stays,
        test_stages.test_a_bad_release_loses_its_requests_and_its_cookies,
        test_forms.test_when_a_bad_release_goes_back_nobody_on_the_good_group_loses_a_form_and_those_on_the_bad_one_begin_anew,
        test_forms.test_with_sessions_that_stay_nobody_at_all_loses_a_form_when_a_bad_release_goes_back,
        test_forms.test_a_good_release_gets_everybody_and_nobody_loses_a_form,
    ),
    "pages that people have open": (
        test_site_sessions.test_a_bad_release_is_called_well_again_by_the_sessions_that_began_after_the_switch,
        test_site_sessions.test_judged_by_all_sessions_the_same_way_back_would_be_said_not_to_have_helped,
        test_site_sessions.test_a_good_release_whose_sessions_do_not_crash_passes,
    ),
    "staging before production": (
        test_staging.test_a_good_release_that_passed_in_staging_goes_on_to_production_without_a_person,
        test_staging.test_a_bad_release_whose_smoke_suite_fails_in_staging_is_not_approved_and_the_gate_says_why,
    ),
    "an invalidation that never completes": (
        test_site.test_a_bad_release_whose_invalidation_does_not_complete_needs_a_person_soon_where_that_is_wanted,
        test_site.test_an_invalidation_that_never_completes_needs_a_person_and_it_is_done_when_it_does_after_all,
    ),
    "an approval that never comes": (
        test_pipeline.test_an_approval_that_never_comes_ends_refused_and_says_so,
        test_github_actions.test_an_approval_that_never_comes_needs_a_person_after_half_an_hour_and_ends_well_once_it_is_given,
    ),
}

//! The behavior of the filter, as scenarios that run in every harness.
//!
//! A scenario is a generic function over a [`Harness`](crate::support::harness::Harness). It stands
//! in one list of `scenarios!`, and the compiler checks that: a scenario in no list is dead code,
//! which `core.rs` denies, and a scenario in two lists defines a test twice.

pub mod access;
pub mod assertion;
pub mod audit;
pub mod backchannel;
pub mod bearer;
pub mod callback;
pub mod csrf;
pub mod documents;
pub mod events;
pub mod forward;
pub mod frontchannel;
pub mod id_token;
pub mod identity;
pub mod initiated;
pub mod keys;
pub mod login;
pub mod logout;
pub mod pages;
pub mod redirects;
pub mod refresh;
pub mod refusal;
pub mod scopes;
pub mod session;
pub mod side_channels;
pub mod store;
pub mod store_command;
pub mod tenants;
pub mod token_revocation;
pub mod userinfo;
pub mod whoami;
pub mod without_store;

/// Makes tests of `all` scenarios, or of the `untimed` ones.
///
/// A timed scenario moves the clock, so it needs a harness with a simulated clock. Envoy reads the
/// clock of the machine.
macro_rules! scenarios {
    ($which:ident $harness:ty) => {
        $crate::scenarios::tests! { $which $harness;
            access: [
                path_patterns_of_any_length,
                the_first_matching_rule_decides, the_default_decides_without_a_matching_rule,
                public_pages_know_who_is_signed_in, hostile_paths_reach_nothing,
                paths_that_envoy_may_normalize, odd_paths_pass_without_path_rules,
                no_header_changes_the_decision, methods_are_compared_exactly,
                preflight_requests_are_a_choice, a_changed_rule_applies_to_existing_sessions,
                an_unverified_address_grants_nothing, another_claim_is_not_verified, scopes_are_for_bearer_tokens, claims_in_rules,
                all_criteria_have_to_fit, a_denial_says_that_an_address_is_not_verified,
                rules_for_some_hosts, rules_for_some_networks, rules_for_some_email_domains, a_dry_run_refuses_no_user, other_spellings_reach_nothing,
                other_spellings_of_one_path, a_spelling_with_a_rule_of_its_own,
                path_matching_is_configured, a_pattern_for_a_beginning, the_example_of_the_readme,
                a_beginning_names_no_other_spelling, a_script_hides_no_path,
                an_encoded_delimiter_hides_no_path,
            ];
            assertion: [
                an_assertion_can_be_verified, keys_of_the_assertion_are_published,
                the_header_of_the_assertion_is_configured, an_assertion_is_for_one_audience,
                an_assertion_ends_with_an_identity_that_is_not_renewed,
                an_assertion_is_for_one_host,
                an_assertion_ends_with_its_token_or_session, an_assertion_has_what_the_issuer_said,
            ] timed [
                an_assertion_is_renewed_in_time,
            ];
            audit: [
                a_denial_names_what_is_needed, a_user_name_stays_in_its_line,
                each_decision_has_an_audit_line, calls_belong_to_the_trace,
            ] timed [
                a_refresh_has_an_audit_line,
            ];
            backchannel: [
                the_issuer_ends_sessions, a_session_without_a_sid, hostile_logout_tokens,
                odd_but_good_logout_tokens, a_logout_token_counts_once, invalid_logout_requests,
                a_logout_token_with_a_new_key, a_logout_token_with_another_algorithm,
            ] timed [
                ended_sessions_stay_ended, a_refreshed_session_keeps_its_sid,
                junk_that_the_module_has_to_verify,
            ];
            bearer: [
                a_good_token_is_as_good_as_a_session, hostile_bearer_tokens,
                a_token_that_is_not_enough, claims_that_are_required, one_header_with_one_token,
                a_session_is_not_looked_at_beside_a_token,
                tenants_that_take_no_tokens_or_id_tokens_too, a_known_token_opens_nothing_new,
                another_algorithm_of_the_same_key, a_key_in_the_token, claims_of_every_type,
                signed_text_that_is_no_token, both_names_of_ed25519, a_long_header,
            ] timed [
                a_known_token_expires, junk_that_the_module_has_to_verify,
            ];
            callback: [
                forged_callbacks_cause_no_call, a_callback_is_good_once,
                a_callback_belongs_to_its_browser, errors_of_the_issuer,
                the_log_has_the_error_of_the_authorization_response, a_provider_that_fails, a_code_that_is_rejected,
                sessions_outlive_their_provider, a_rejected_code, an_answer_of_another_issuer,
                an_answer_without_iss, after_a_refusal_the_issuer_prompts,
            ] timed [
                an_expired_attempt,
            ];
            csrf: [
                pages_of_other_origins_cannot_use_the_session, own_pages_and_programs_use_the_session,
                other_origins_open_no_websocket, trusted_origins_use_the_session,
                the_own_origin_has_the_port_of_the_redirect_uri, a_public_page_does_not_see_the_session,
                bearer_tokens_are_not_concerned,
            ];
            documents: [
                a_tenant_of_a_document_signs_in, a_tenant_comes_changes_and_goes,
                a_cached_token_is_judged_by_the_new_document, only_the_operator_makes_tenants,
                a_broken_document_breaks_one_tenant, tenants_of_the_file_come_first,
                a_sealed_secret_is_used, header_names_of_documents_are_protected,
                a_gap_in_the_log_forgets_everything, more_tenants_than_are_kept,
                sign_outs_of_found_tenants_are_known_everywhere, cookies_reach_no_tenant_of_a_document,
                a_logout_token_where_the_tenant_is_not_known, a_form_for_the_upstream_waits_for_its_tenant,
                a_flood_of_unknown_hosts_costs_etcd_nothing, a_flood_below_a_wildcard_costs_etcd_nothing,
            ] timed [
                a_known_tenant_is_not_looked_up_again, a_change_takes_two_intervals_at_most, unknown_hosts_cost_etcd_little,
                etcd_does_not_answer, a_sign_out_while_the_tenant_is_forgotten,
                lookups_are_counted_by_what_the_index_says,
            ];
            events: [
                events_are_counted_for_each_tenant, mistakes_are_counted_for_their_tenant,
                counters_of_tenants_can_be_switched_off, a_mass_sign_out_is_in_the_log,
                a_public_page_counts_the_end_of_a_session,
                a_request_that_waits_counts_the_end_of_a_session,
            ] timed [
                every_end_of_a_session_has_a_reason,
            ];
            forward: [
                identity_headers_of_the_client_are_removed,
                header_names_of_other_tenants_are_removed, own_cookies_are_not_forwarded,
                what_upstreams_trust_is_removed, headers_that_a_tenant_passes_reach_the_upstream,
                claims_cannot_forge_headers, tokens_are_forwarded_if_configured,
                a_forwarded_id_token_is_in_large_sessions,
                roles_are_forwarded_like_groups, header_names_are_configurable,
                identity_headers_of_an_api_client_are_removed, a_long_claim_is_one_line,
                list_formats, authorization_is_forwarded_if_configured,
                an_unverified_address_is_not_forwarded,
            ];
            frontchannel: [
                the_issuer_ends_the_session_in_a_frame, frames_of_others_end_nothing,
            ];
            id_token: [
                hostile_tokens, odd_but_good_tokens, claims_of_the_wrong_type, audiences_besides_the_client,
            ];
            identity: [
                claims_are_found_by_name_or_path, groups_of_every_shape,
                groups_that_the_issuer_left_out, an_address_that_names_the_user_is_verified,
                an_empty_user_is_nobody,
            ];
            initiated: [
                a_portal_begins_a_login, a_page_of_the_site_begins_a_login, a_session_goes_to_the_target, a_portal_chooses_no_other_site,
                invalid_login_requests, a_portal_posts_a_form, the_login_path_and_hint_are_configured,
            ];
            keys: [
                the_first_request_waits_for_the_documents, a_login_ends_where_no_documents_are,
                everything_is_discovered, iss_promised_by_the_metadata, userinfo_after_a_new_key,
                a_new_key_is_fetched_during_the_login, a_new_key_that_cannot_be_fetched,
                a_new_key_is_fetched_for_api_clients, one_odd_key_does_not_spoil_a_set,
                configured_keys_win, a_configured_key_without_a_kid_does_not_hide_a_new_one,
                keys_without_discovery, a_tenant_with_keys_fetches_nothing, issuers_with_a_path,
                parameters_in_the_discovered_address, addresses_at_other_origins,
                the_algorithm_of_id_tokens, rsa_keys_without_an_algorithm,
                keys_without_names_and_with_the_same,
            ] timed [
                hostile_documents, a_flood_of_unknown_keys, keys_of_an_issuer_that_is_away,
                a_key_that_leaves_the_set, a_new_configuration_keeps_the_keys,
                an_issuer_that_is_away_at_the_start, odd_optional_addresses,
                keys_of_an_issuer_that_does_not_come_back,
            ];
            login: [
                back_to_the_page_that_was_asked_for, every_client_authentication,
                secrets_that_the_issuer_repeats,
                a_client_that_signs, every_algorithm, every_form_of_key, many_tabs_at_once,
                tabs_that_begin_at_once, a_redirect_loop_ends, abandoned_attempts_do_not_pile_up,
                cookies_are_narrow, the_address_adds_no_parameter, an_address_that_is_too_long,
                too_many_groups, configured_parameters, a_sign_in_that_is_recent_enough,
                the_authentication_context_that_was_asked_for,
            ];
            logout: [
                sign_out_here_and_at_the_issuer, sign_out_here_alone, another_site_can_only_ask,
                a_copy_of_the_cookie_is_dead, every_cookie_goes, planted_cookies_keep_none,
                the_issuer_is_told_which_session, an_id_token_is_kept_for_an_issuer_that_signs_out,
                the_configuration_ends_sessions,
            ] timed [
                a_copy_that_was_kept_in_use_is_dead, the_hint_names_the_valid_session,
            ];
            pages: [
                a_refused_user_learns_who_is_signed_in, another_account_leads_back_to_the_page,
                a_page_keeps_what_was_asked_for, only_the_user_changes_the_account,
                a_permanent_fault_gives_no_hope, a_page_looks_as_the_tenant_wants,
            ];
            redirects: [
                the_way_back_is_on_the_host_that_was_asked_for,
            ];
            refresh: [
                the_shortest_interval,
            ] timed [
                tokens_that_expire_at_once, similar_tenants_refresh_apart, what_providers_answer,
                the_log_has_the_error_of_the_issuer, max_stale_is_configured,
                a_failed_refresh_brings_no_older_identity_back, a_cookie_of_many_refreshes_ago, a_worker_without_metadata, issuers_without_refresh_tokens,
                dex_takes_a_group_from_one_browser, dex_takes_a_group_from_two_browsers,
                dex_removes_a_user_with_one_browser, dex_removes_a_user_with_two_browsers,
                dex_without_its_directory,
                a_group_is_taken_away, a_late_request_waits, forwarded_tokens_are_refreshed,
                kept_claims_are_refreshed, a_refused_page_keeps_the_refreshed_session,
                a_public_page_after_the_end, a_user_is_removed, the_provider_is_away,
                no_request_waits_for_a_provider_that_is_away, a_stale_session_and_a_provider_that_is_away,
                an_answer_of_the_provider_is_no_outage, an_error_that_repeats_the_refresh_request,
                a_new_key_of_the_issuer, hostile_refreshed_tokens, auth_time_of_another_login,
                issuers_without_rotation_or_id_tokens, many_requests_at_once, two_workers_at_once,
                a_refresh_is_a_use_of_the_session,
            ];
            refusal: [
                only_navigations_are_redirected, navigations_of_every_browser,
                credentials_of_a_browser_do_not_lock_it_out, malformed_requests,
                pages_for_people_and_json_for_programs, configured_page_texts,
            ];
            scopes: [
                default_scopes_fit_the_issuer, configured_scopes_win,
                default_scopes_wait_for_the_metadata,
            ];
            session: [
                a_tampered_session_is_none, purposes_do_not_mix, keys_roll,
                replicas_with_other_keys, the_verification_key_is_removed,
                a_planted_cookie_does_not_get_in_the_way, a_new_login_replaces_the_session,
                a_typical_session_is_small, a_large_session_is_whole_or_none,
            ] timed [
                a_session_ends, a_session_that_is_used_often_ends, a_clock_that_was_put_back, an_idle_session_ends,
                a_session_ends_with_its_id_token,
            ];
            side_channels: [
                one_answer_to_every_bad_session, one_answer_to_every_bad_login,
                a_sign_out_names_a_session_that_opens,
            ] timed [
                one_answer_to_every_session_that_is_over, one_answer_to_every_login_that_is_over,
            ];
            store: [
                a_sign_out_is_known_everywhere,
                a_logout_token_ends_sessions_everywhere_and_counts_once,
                a_new_replica_knows_what_was_before, values_of_others_end_nothing,
            ] timed [
                etcd_is_away, etcd_is_away_and_sessions_are_refused, etcd_is_full, etcd_with_users, users_of_etcd_change,
                replicas_refresh_once, what_is_written_goes_by_itself,
                results_of_others_refresh_nothing, a_refresh_does_not_need_etcd, answers_of_etcd_are_lost,
                a_late_refresh_replaces_nothing, leases_meet_a_member_that_is_down,
                a_replica_that_lags, a_sign_out_takes_two_intervals_at_most, a_replica_that_was_cut_off,
                etcd_is_set_up_again, junk_does_not_get_in_the_way,
            ];
            store_command: [
                an_operator_is_a_user_of_etcd,
            ] timed [
                an_operator_ends_sessions_everywhere,
            ];
            tenants: [
                spellings_of_a_host, a_browser_leaves_the_host_with_a_final_dot, unknown_hosts,
                a_broken_tenant_alone_is_down, a_wildcard_takes_no_host_of_a_broken_tenant,
                nothing_of_one_tenant_opens_another, similar_tenants_do_not_mix,
                wildcard_hosts_share_a_login, two_gateways_share_a_domain,
                cookies_do_not_reach_hosts_of_another_tenant, a_login_ends_when_its_host_moves,
            ];
            token_revocation: [
                a_sign_out_revokes_the_refresh_token, a_discovered_endpoint_revokes_the_refresh_token,
                nothing_to_revoke, a_revocation_that_fails,
            ] timed [
                the_newest_refresh_token_is_revoked,
            ];
            userinfo: [
                what_the_id_token_lacks, a_verified_address_is_not_another_one,
                claims_of_another_user, an_endpoint_that_fails,
            ] timed [
                a_request_waits_for_both_endpoints,
                a_group_is_taken_away_at_the_endpoint, a_refresh_that_the_endpoint_contradicts,
                the_endpoint_is_away_during_a_refresh, claims_of_rules_and_headers_are_refreshed,
                claims_of_a_refresh_without_an_id_token,
            ];
            whoami: [
                a_page_asks_who_is_signed_in, nobody_is_signed_in, an_api_client_asks_who_it_is,
                the_path_is_configured,
            ] timed [
                asking_extends_nothing, asking_knows_the_refreshes,
            ];
            without_store: [
                replicas_know_nothing_of_each_other,
            ] timed [
                a_store_is_seen_in_etcd_alone,
            ];
        }
    };
}

/// Makes a test of each named scenario.
macro_rules! tests {
    (all $harness:ty;
        $($module:ident: [$($name:ident),+ $(,)?] $(timed [$($timed:ident),+ $(,)?])?;)+
    ) => {
        $crate::scenarios::tests! { $harness; $($module: [$($name,)+ $($($timed,)+)?];)+ }
    };
    (untimed $harness:ty;
        $($module:ident: [$($name:ident),+ $(,)?] $(timed [$($timed:ident),+ $(,)?])?;)+
    ) => {
        $crate::scenarios::tests! { $harness; $($module: [$($name,)+];)+ }
    };
    ($harness:ty; $($module:ident: [$($name:ident),+ $(,)?];)+) => {
        $(mod $module {
            use super::*;
            $(#[test]
            fn $name() {
                $crate::scenarios::$module::$name::<$harness>();
            })+
        })+
    };
}

pub(crate) use {scenarios, tests};

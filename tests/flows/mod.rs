//! What the filter does, told once and played on every rung.
//!
//! A scenario is a function over a [`World`](crate::support::world::World). The macros below list all of them, those that have to move
//! the clock apart, since real Envoy cannot.

#![allow(dead_code, unused_macros, unused_imports, reason = "real Envoy plays no timed scenarios")]

pub mod access;
pub mod assertion;
pub mod bearer;
pub mod callback;
pub mod denial;
pub mod forward;
pub mod id_token;
pub mod identity;
pub mod keys;
pub mod login;
pub mod logout;
pub mod redirects;
pub mod session;
pub mod tenants;

/// One test for each scenario that every rung can play.
macro_rules! scenarios_for {
    ($rig:ty) => {
        $crate::flows::play! { $rig;
            access: the_first_rule_that_fits_decides, what_no_rule_fits_is_for_users_or_nobody, public_pages_know_who_is_signed_in,
                paths_cannot_be_argued_with, paths_that_envoy_may_tidy_up, odd_paths_are_the_upstreams_business_otherwise,
                no_header_changes_the_verdict, methods_are_compared_exactly, preflight_requests_are_a_choice,
                a_tightened_rule_bites_at_once, an_unverified_address_grants_nothing, scopes_are_for_bearer_tokens, claims_in_rules,
                rules_for_some_hosts, a_dry_run_refuses_no_user;
            bearer: a_good_token_is_as_good_as_a_session, hostile_bearer_tokens, a_token_that_is_not_enough, claims_that_are_required, one_header_with_one_token,
                a_session_is_not_looked_at_beside_a_token, tenants_that_take_no_tokens_or_id_tokens_too,
                a_known_token_opens_nothing_new;
            callback: forged_callbacks_cause_no_call, a_callback_is_good_once, a_callback_belongs_to_its_browser,
                errors_of_the_issuer, a_provider_that_fails, a_refused_code, another_issuer;
            denial: only_navigations_are_redirected, unreadable_requests, pages_for_people_and_json_for_programs;
            forward: what_the_client_says_is_gone, names_of_other_tenants_are_gone, cookies_of_the_gate_stay_at_the_gate,
                claims_cannot_forge_headers, roles_go_where_groups_go, names_are_those_of_the_tenant, what_an_api_client_says_is_gone,
                a_long_claim_is_one_line, lists_as_the_tenant_wants_them, authorization_goes_where_the_tenant_wants_it;
            assertion: an_assertion_can_be_verified, keys_of_the_assertion_are_published,
                the_header_of_the_assertion_is_configured;
            id_token: hostile_tokens, odd_but_good_tokens, claims_of_the_wrong_type;
            identity: claims_are_found_by_name_or_path, groups_of_every_shape, groups_that_the_issuer_left_out,
                an_address_that_names_the_user_is_verified, an_empty_user_is_nobody;
            keys: everything_is_discovered, a_new_key_is_fetched_during_the_login, a_new_key_that_cannot_be_fetched,
                a_new_key_is_fetched_for_api_clients, one_odd_key_does_not_spoil_a_set, configured_keys_win,
                a_configured_key_without_a_kid_does_not_hide_a_new_one, keys_without_discovery,
                a_tenant_with_keys_fetches_nothing;
            login: back_to_the_page_that_was_asked_for, every_client_authentication, every_algorithm, every_form_of_key,
                many_tabs_at_once, abandoned_attempts_do_not_pile_up, cookies_are_narrow, the_request_adds_nothing,
                an_address_that_is_too_long, too_many_groups;
            logout: sign_out_here_and_at_the_issuer, sign_out_here_alone, another_site_can_only_ask;
            redirects: the_way_back_is_on_the_host_that_was_asked_for;
            session: a_tampered_session_is_none, purposes_do_not_mix, keys_roll, the_key_that_vouched_leaves,
                a_planted_cookie_does_not_get_in_the_way, a_new_login_replaces_the_session;
            tenants: spellings_of_a_host, unknown_hosts, a_broken_tenant_alone_is_down,
                nothing_of_one_tenant_opens_another, twins_do_not_mix, wildcard_hosts_share_a_login,
                a_host_that_moved_takes_no_login_along;
        }
    };
}

/// The scenarios that need simulated time, to make tests of (`play Rig`) or to name (`names`).
macro_rules! timed_scenarios {
    ($then:ident $($rig:ident)?) => {
        $crate::flows::$then! { $($rig)?;
            assertion: an_assertion_is_renewed_in_time;
            bearer: a_known_token_expires;
            callback: an_expired_attempt;
            keys: hostile_documents, a_flood_of_unknown_keys, keys_of_an_issuer_that_is_away, a_key_that_leaves_the_set,
                a_new_configuration_keeps_the_keys;
            session: a_session_ends, a_clock_that_was_put_back;
        }
    };
}

macro_rules! play {
    ($rig:ty; $($module:ident: $($name:ident),+;)+) => {
        $(mod $module {
            use super::*;
            $(#[test]
            fn $name() {
                $crate::flows::$module::$name::<$rig>();
            })+
        })+
    };
}

macro_rules! names {
    (; $($module:ident: $($name:ident),+;)+) => {
        [$($(concat!(stringify!($module), "::", stringify!($name))),+),+]
    };
}

pub(crate) use {names, play, scenarios_for, timed_scenarios};

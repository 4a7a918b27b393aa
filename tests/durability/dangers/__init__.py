"""Every dangerous situation that was measured with Litestream 0.5.17 alone, and the test of what we do in it.

A line that begins with a bar is a situation and, where it is known, what Litestream alone makes of it; the lines under
it name tests, as FILE::TEST below `tests/`. `test_table.py` holds that each of them exists.

Dangerous cases

| (a) the volume is ahead of its copy after an outage and a SIGKILL
    durability/dangers/test_volumes.py::test_a_volume_ahead_of_its_copy_after_an_outage_and_a_kill_uploads_the_rest
| (a2, f) the same, and Litestream's folder beside the database is lost
    durability/dangers/test_volumes.py::test_a_volume_without_litestreams_folder_is_not_trusted_until_asked_for_and_then_copied_anew
| (b) the volume was rolled back: it silently wins
    durability/test_lineage.py::test_a_volume_that_was_rolled_back_waits_for_an_order
    durability/test_lineage.py::test_a_volume_accepted_as_it_is_begins_an_epoch_and_keeps_the_other
    durability/test_supervisor.py::test_a_volume_found_to_be_old_when_the_bucket_is_back_is_stopped
| (c) two containers with a volume each on one prefix: a copy that can't be restored, or a chimera
    durability/test_one_writer.py::test_a_second_machine_waits_and_refuses_while_the_first_goes_on
    durability/test_one_writer.py::test_a_copy_of_a_volume_is_refused_while_the_original_runs
    durability/test_one_writer.py::test_a_lease_taken_during_an_outage_ends_the_bot_and_uploads_nothing_more
| (c') two containers on one volume: a copy that can't be restored
    durability/test_supervisor.py::test_a_second_instance_is_refused_and_told_who_is_there
    durability/test_supervisor.py::test_a_killed_supervisor_leaves_no_writer_behind
| (c'') each writer in a prefix of its own: both stay clean
    durability/test_one_writer.py::test_a_machine_that_vanished_is_followed_in_a_new_epoch_and_both_copies_are_whole
    durability/test_one_writer.py::test_a_copy_of_a_volume_follows_the_killed_original_in_an_epoch_of_its_own
    durability/test_boot.py::test_an_epoch_that_was_begun_without_the_lease_is_not_overwritten
| (d) a database of zero bytes: becomes the newest state of the copy
    durability/test_lineage.py::test_a_zero_byte_file_is_quarantined_and_the_copy_restored
    durability/test_lineage.py::test_a_zero_byte_file_without_a_copy_stays_and_nothing_starts
| (d) a database that is garbage or torn
    durability/test_lineage.py::test_a_damaged_file_is_quarantined_and_its_copy_restored
    durability/test_lineage.py::test_a_damaged_file_that_the_copy_may_not_be_of_stays_until_asked_for
    durability/test_lineage.py::test_a_damaged_file_is_not_touched_while_the_bucket_is_away
| (d) no database, but a leftover -wal: is replayed onto the restored one
    durability/test_lineage.py::test_an_old_wal_without_its_database_does_not_get_into_the_restored_one
    durability/test_boot.py::test_a_wal_beside_its_database_is_not_touched_by_the_check
| (d) a restore onto a file of zero bytes, or of content
    cli/test_restore.py::test_the_live_databases_place_is_refused_even_when_it_is_empty_or_behind_a_link
    cli/test_restore.py::test_an_existing_target_is_never_replaced
| (e) another program checkpoints
    durability/dangers/test_other_programs.py::test_checkpoints_by_another_program_cost_no_row
| (e) VACUUM, VACUUM INTO, the backup API
    durability/dangers/test_other_programs.py::test_a_vacuum_costs_no_row
    durability/dangers/test_other_programs.py::test_copies_made_beside_the_running_bot_are_whole
| (e) journal_mode=DELETE, locking_mode=EXCLUSIVE
    durability/dangers/test_other_programs.py::test_a_mode_that_shuts_litestream_out_is_refused_and_harms_nothing
| (e) the first journal_mode=WAL while Litestream begins: "database is locked"
    durability/dangers/test_other_programs.py::test_the_database_is_in_wal_mode_before_litestream_sees_it
| (e) the database is replaced under a running Litestream
    durability/test_watch.py::test_a_database_replaced_under_the_bot_ends_it
    durability/test_watch.py::test_a_volume_taken_away_under_the_bot_ends_it_and_the_next_start_has_every_row
| the prefix changes and Litestream's folder stays: replication is dead
    durability/test_lineage.py::test_a_copy_moves_to_a_prefix_that_the_operator_allows
| (g) a copy of Litestream 0.3 (made with 0.3.11, the newest that a package registry has): whichever is newer wins
    durability/dangers/test_volumes.py::test_an_older_litestreams_copy_is_no_empty_bucket
    durability/dangers/test_volumes.py::test_an_older_litestreams_copy_beside_the_epochs_is_left_alone
    durability/dangers/test_volumes.py::test_an_older_litestreams_copy_in_an_epoch_is_not_restored_in_its_place
| SQLite before 3.51.3 can corrupt a WAL that another process checkpoints
    store/test_sqlite_faults.py::test_an_engine_that_can_corrupt_a_wal_is_refused

How a run ends

| the bot handles SIGTERM and writes 20 rows; dies of it; the stop comes before Litestream's first look: all lost
    durability/dangers/test_ending.py::test_a_stop_before_litestreams_first_look_loses_no_row
| the bot ends with another code than 0 on SIGTERM: the last upload is skipped
    durability/test_supervisor.py::test_a_bot_that_ends_badly_on_sigterm_still_gets_its_last_row_off_site
| the bot crashes; ends with code 0 by itself
    durability/dangers/test_ending.py::test_the_rows_of_a_bot_that_ended_are_off_site_before_it_starts_again
    durability/test_supervisor.py::test_a_killed_bot_goes_on_with_what_it_had
    durability/test_supervisor.py::test_a_bot_that_crashed_is_started_again_with_growing_pauses
| the bot is killed between a commit's frames and their index: the copy ends before that commit, for good
    durability/dangers/test_ending.py::test_a_bot_killed_between_a_commits_frames_and_their_index_leaves_a_copy_that_goes_on
| a second SIGTERM while the bot closes: the last upload is skipped
    durability/test_supervisor.py::test_signals_after_the_first_do_not_cut_the_end_short
| the bucket refuses, answers 503, or is silent at the stop: exit code 0, and rows are lost
    durability/dangers/test_ending.py::test_a_stop_without_the_bucket_is_no_success_and_the_next_start_uploads_the_rest
    durability/test_supervisor.py::test_a_stop_with_the_bucket_in_a_black_hole_is_in_time_and_not_a_success
| every process gets SIGTERM at once
    durability/dangers/test_ending.py::test_a_sigterm_to_every_process_at_once_loses_no_row
| Litestream alone is killed: the bot goes on without a copy
    durability/test_supervisor.py::test_a_killed_litestream_is_started_again_and_goes_on
    durability/test_replication.py::test_a_litestream_that_died_before_the_stop_is_started_for_the_last_upload

The bucket is away

| it refuses for a while
    durability/dangers/test_outage.py::test_writes_go_on_through_an_outage_and_are_off_site_after_it
| it is away for longer than an instance may write without its lease
    durability/test_one_writer.py::test_without_the_bucket_uploads_end_the_bot_goes_on_and_all_is_made_good
    durability/test_one_writer.py::test_a_lease_taken_during_an_outage_ends_the_bot_and_uploads_nothing_more
| a connection is stuck: replication hangs for good, and its status is "replicating"
    durability/test_watchdog.py::test_a_stuck_connection_recovers_within_a_minute_at_a_tenth_of_all_times
| it is away at the start, and the volume is empty
    durability/test_boot.py::test_an_empty_volume_does_not_start_without_an_answer
| it is away at the start, and the volume is intact
    durability/test_supervisor.py::test_the_bucket_being_away_at_the_start_does_not_stop_an_intact_volume
| wrong keys, wrong bucket
    durability/test_boot.py::test_wrong_keys_are_named
    durability/test_boot.py::test_a_wrong_bucket_is_named
| a wrong prefix: an empty database
    durability/test_boot.py::test_a_mistyped_prefix_is_refused_and_names_what_is_there
| the bucket was emptied: an empty database
    durability/dangers/test_outage.py::test_a_bucket_that_was_emptied_gets_a_whole_copy_of_the_volume_again_once_that_is_allowed
    durability/test_disagreement.py::test_leave_to_begin_is_none_to_forget_what_only_the_copy_has
    durability/test_decision.py::test_an_epoch_whose_copy_is_gone_is_not_replaced_by_an_empty_database
    durability/test_decision.py::test_a_marker_without_database_and_copy_is_a_mistake_and_no_new_installation

Files of the copy

| a flipped byte, garbage, nothing, half a file, one missing in the middle
    durability/dangers/test_replica_files.py::test_a_copy_with_a_broken_file_is_not_restored_and_nothing_is_changed
    durability/dangers/test_replica_files.py::test_a_copy_with_a_broken_snapshot_is_not_restored_in_part
    durability/dangers/test_replica_files.py::test_the_state_before_a_broken_file_can_be_put_back_by_hand
| the last one is missing: an older state, and not a word
    durability/dangers/test_replica_files.py::test_a_copy_without_its_last_file_is_not_taken_for_the_newest_state_until_asked_for
| other names
    durability/dangers/test_replica_files.py::test_files_with_other_names_in_a_copy_are_left_alone
| a stray file for a future transaction: no restore and no upload any more
    durability/dangers/test_replica_files.py::test_a_stray_file_ahead_of_the_volume_is_named_and_the_volume_goes_on_in_an_epoch_without_it
    durability/dangers/test_replica_files.py::test_a_stray_file_ahead_of_a_lost_volume_stops_the_restore_until_it_is_taken_away

The disk

| it is full
    durability/dangers/test_disk_full.py::test_a_full_disk_costs_no_acknowledged_row_and_is_over_as_soon_as_there_is_room
"""

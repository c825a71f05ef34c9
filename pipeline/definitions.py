"""What Dagster loads: the assets, the jobs, their schedules and what links them."""

import dagster as dg

from pipeline.assets import ALERTS, source_assets, table_assets, workshop
from pipeline.configuration import Setup, load_setup


def definitions(setup: Setup) -> dg.Definitions:
    """Define what Dagster shows and runs with this setup."""
    sources, tables = source_assets(setup), table_assets(setup)
    look_at_sources = dg.define_asset_job(
        "look_at_sources",
        dg.AssetSelection.assets(*sources),
        description="Ask every source once; those that fail do not stop the others.",
    )
    build_tables = dg.define_asset_job(
        "build_tables",
        dg.AssetSelection.assets(*tables),
        description="Build the tables from all that is known, check them, and publish them.",
    )
    tell_channels = dg.define_asset_job(
        "tell_channels",
        dg.AssetSelection.assets(ALERTS),
        description="Send what is due: digests at their hour, and what a channel did not take.",
    )
    every_quarter = dg.ScheduleDefinition(
        name="every_quarter_of_an_hour",
        job=tell_channels,
        cron_schedule="*/15 * * * *",
        execution_timezone="UTC",
        # without a channel there is nobody to tell
        default_status=dg.DefaultScheduleStatus.RUNNING
        if setup.channels
        else dg.DefaultScheduleStatus.STOPPED,
        description="As exact as the hours of digests and quiet hours are kept.",
    )
    every_day = dg.ScheduleDefinition(
        name="every_day",
        job=look_at_sources,
        cron_schedule="17 6 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Once a day is as often as price pages ask to be looked at.",
    )

    # One failed source fails its run, and an asset downstream of it would be skipped; so the
    # tables are a job of their own, which runs after the sources' whether or not all answered.
    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[look_at_sources],
        request_job=build_tables,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Build the tables after a look that every source answered.",
    )
    def when_all_answered(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        monitored_jobs=[look_at_sources],
        request_job=build_tables,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Build the tables after a look that some source failed.",
    )
    def when_some_failed(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return dg.Definitions(
        assets=[*sources, *tables],
        jobs=[look_at_sources, build_tables, tell_channels],
        schedules=[every_day, every_quarter],
        sensors=[when_all_answered, when_some_failed],
        resources={"workshop": workshop(setup)},
        # DuckDB's file has one writer; steps of one run take turns in one process anyway
        executor=dg.in_process_executor,
    )


defs = definitions(load_setup())

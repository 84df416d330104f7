-- A SQL Server Agent job that sends the council's children every night, after the extracts are made.
-- Run it in msdb as a member of SQLAgentUserRole; no sysadmin is needed where a proxy for CmdExec is given:
-- an administrator makes it once, of an account that may read the extracts and reach the internet.
-- Change the folder, the proxy's name and the time. Running it again replaces the job.

USE msdb;

IF EXISTS (SELECT 1 FROM dbo.sysjobs WHERE name = N'CSC nightly submission')
    EXEC dbo.sp_delete_job @job_name = N'CSC nightly submission';

EXEC dbo.sp_add_job
    @job_name = N'CSC nightly submission',
    @description = N'Sends children''s social care records; the reports lie in submit-reports beside submit.toml.';

EXEC dbo.sp_add_jobstep
    @job_name = N'CSC nightly submission',
    @step_name = N'submit',
    @subsystem = N'CmdExec',
    @command = N'cmd.exe /c "D:\csc\submit-nightly.cmd"',
    @cmdexec_success_code = 0,
    @proxy_name = N'CSC submission',
    @retry_attempts = 3,
    @retry_interval = 30;  -- minutes; a run goes on where the last one stopped

EXEC dbo.sp_add_jobschedule
    @job_name = N'CSC nightly submission',
    @name = N'every night',
    @freq_type = 4,          -- daily
    @freq_interval = 1,
    @active_start_time = 21500;  -- 02:15:00

EXEC dbo.sp_add_jobserver @job_name = N'CSC nightly submission';

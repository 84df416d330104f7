@echo off
rem Sends a council's children every night. Needs no administrator's rights: it runs as whoever starts it.
rem Change the two folders, then try it by double-clicking before it is scheduled.
setlocal
set "PROGRAM=%LOCALAPPDATA%\samechild"
set "COUNCIL=%USERPROFILE%\csc"

set "PYTHONUTF8=1"
cd /d "%COUNCIL%" || exit /b 2
if not exist "logs" mkdir "logs"
set "LOG=logs\submit-%DATE:~-4%.log"

echo ==== %DATE% %TIME% >> "%LOG%"
"%PROGRAM%\Scripts\samechild.exe" submit --config submit.toml >> "%LOG%" 2>&1
set "CODE=%ERRORLEVEL%"
echo ==== ended with %CODE% >> "%LOG%"

rem 0 all kept, 1 some children must be mended (the list is in submit-reports), 3 not let in, 6 try again later.
rem A scheduler takes anything but 0 for a failure. Some children to mend every morning is usual: say so here.
if "%CODE%"=="1" exit /b 0
exit /b %CODE%

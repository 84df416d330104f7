@echo off
rem Finds a Python that the package is made for and starts install.py with it. No administrator's rights are needed.
setlocal
if not exist "%~dp0install.py" (
  echo Extract the whole zip first, then start install.cmd from the extracted folder.
  exit /b 2
)
for %%v in (@PYTHONS@) do (
  py -%%v -c "import sys" >nul 2>nul && (
    py -%%v "%~dp0install.py" %*
    goto done
  )
)
python -c "import sys" >nul 2>nul && (
  python "%~dp0install.py" %*
  goto done
)
echo No Python was found. samechild @VERSION@ needs a 64-bit Python, one of: @PYTHONS@
echo Ask for it in your organisation's software centre, or install it for yourself alone from python.org.
exit /b 2
:done
exit /b %ERRORLEVEL%

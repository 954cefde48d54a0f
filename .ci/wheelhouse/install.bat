@echo off
rem Installs drg-engine @version@ without a network: install.bat [FOLDER]
rem FOLDER is a new virtual environment, %LOCALAPPDATA%\drg when left out.
setlocal
cd /d "%~dp0"
set "TARGET=%~1"
if "%TARGET%"=="" set "TARGET=%LOCALAPPDATA%\drg"
set "PY=py -@python@"
%PY% -c "" 2>nul || set "PY=python"
%PY% -c "import sys; sys.exit('%%d.%%d' %% sys.version_info[:2] != '@python@')" 2>nul
if errorlevel 1 (
    echo Python @python@ ^(64 bit^) is needed; see README.zh.txt or README.en.txt.
    exit /b 2
)
%PY% verify.py || exit /b 1
%PY% -m venv "%TARGET%" || exit /b 1
"%TARGET%\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --no-index --find-links wheels --require-hashes -r requirements.txt || exit /b 1
"%TARGET%\Scripts\drg.exe" --version || exit /b 1
echo installed: "%TARGET%\Scripts\drg.exe"

# Finds a Python that the package is made for and starts install.py with it. No administrator's rights are needed.
# If PowerShell may not run scripts on your machine, start install.cmd instead: it does the same.
$script = Join-Path $PSScriptRoot "install.py"
if (-not (Test-Path $script)) {
    Write-Output "Extract the whole zip first, then start install.ps1 from the extracted folder."
    exit 2
}
if (Get-Command py -ErrorAction SilentlyContinue) {
    foreach ($version in "@PYTHONS@".Split(" ")) {
        & py "-$version" -c "import sys" 2>$null
        if ($LASTEXITCODE -eq 0) {
            & py "-$version" $script @args
            exit $LASTEXITCODE
        }
    }
}
if (Get-Command python -ErrorAction SilentlyContinue) {
    & python $script @args
    exit $LASTEXITCODE
}
Write-Output "No Python was found. samechild @VERSION@ needs a 64-bit Python, one of: @PYTHONS@"
Write-Output "Ask for it in your organisation's software centre, or install it for yourself alone from python.org."
exit 2

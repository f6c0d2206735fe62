# Installs omg from a release: irm https://get.ohmygpu.com/install.ps1 | iex
# With options: & ([scriptblock]::Create((irm https://get.ohmygpu.com/install.ps1))) -Version 0.1.0
param(
    # That version and not the latest.
    [string]$Version = $env:OMG_VERSION,
    # Folder to install into.
    [string]$Prefix = (Join-Path $env:LOCALAPPDATA 'Programs\ohmygpu'),
    # Remove omg; models stay.
    [switch]$Uninstall
)

$Releases = if ($env:OMG_RELEASES) { $env:OMG_RELEASES } else { 'https://github.com/ohmygpu/ohmygpu/releases' }
# The archives that releases have; a test keeps this equal to scripts/targets.ts.
$Targets = @('win32-x64-msvc', 'win32-arm64-msvc')

function Stop-Install([string]$Message, [string]$Hint) {
    if ($Hint) { $Message = "$Message`nhint: $Hint" }
    throw $Message
}

function Get-Target {
    # A 32-bit or emulated shell sees its own architecture first.
    $machine = (Get-CimInstance Win32_Processor | Select-Object -First 1).Architecture
    if ($machine -eq 9) { $cpu = 'x64' }
    elseif ($machine -eq 12) { $cpu = 'arm64' }
    else { Stop-Install "There is no release for this processor ($machine)." }
    $target = "win32-$cpu-msvc"
    if ($Targets -notcontains $target) { Stop-Install "There is no release for $target." 'With Node: npm install -g ohmygpu' }
    return $target
}

function Get-File([string]$Url, [string]$Path) {
    try { Invoke-WebRequest -UseBasicParsing -Uri $Url -OutFile $Path }
    catch { Stop-Install "$Url could not be downloaded: $($_.Exception.Message)" 'Check the network, then run this again. Nothing was changed.' }
}

function Get-OmgHome {
    if ($env:OMG_HOME) { return $env:OMG_HOME }
    return Join-Path $env:APPDATA 'ohmygpu'
}

# The launchers hold the path of a version and nothing else, so that changing them is changing the version.
function Set-Launcher([string]$Name, [string]$Version) {
    $path = Join-Path $Prefix "bin\$Name.cmd"
    $staged = "$path.$PID.tmp"
    Set-Content -Path $staged -Encoding Ascii -Value "@call `"%~dp0..\versions\$Version\bin\omg.cmd`" %*"
    Move-Item -Force $staged $path
}

function Get-LinkedVersion {
    $path = Join-Path $Prefix 'bin\omg.cmd'
    if (-not (Test-Path $path)) { return $null }
    if ((Get-Content -Raw $path) -match '\\versions\\([^\\]+)\\bin\\omg\.cmd') { return $Matches[1] }
    Stop-Install "$path does not belong to this installer." 'Remove it, or choose another place with -Prefix.'
}

function Add-ToPath([string]$Folder) {
    $user = [Environment]::GetEnvironmentVariable('Path', 'User')
    if (($user -split ';') -contains $Folder) { return }
    [Environment]::SetEnvironmentVariable('Path', (@($Folder, $user) | Where-Object { $_ }) -join ';', 'User')
    $env:Path = "$Folder;$env:Path"
    Write-Host "Added $Folder to the PATH of your account. New terminals have it."
}

function Remove-FromPath([string]$Folder) {
    $user = [Environment]::GetEnvironmentVariable('Path', 'User')
    $rest = ($user -split ';' | Where-Object { $_ -and $_ -ne $Folder }) -join ';'
    [Environment]::SetEnvironmentVariable('Path', $rest, 'User')
}

function Install-Omg {
    if ($Version) { $Version = $Version -replace '^v', '' }
    if ($Version -and $Version -notmatch '^[0-9A-Za-z.+-]+$') { Stop-Install "$Version is not a version." }
    $target = Get-Target
    $before = Get-LinkedVersion
    $versions = Join-Path $Prefix 'versions'
    New-Item -ItemType Directory -Force -Path (Join-Path $Prefix 'bin'), $versions | Out-Null
    $work = Join-Path $Prefix ".installing.$PID"
    New-Item -ItemType Directory -Path $work | Out-Null
    try {
        $from = if ($Version) { "$Releases/download/v$Version" } else { "$Releases/latest/download" }
        Get-File "$from/SHA256SUMS" (Join-Path $work 'SHA256SUMS')
        $pattern = "^([0-9a-f]{64})  (ohmygpu-([0-9][0-9A-Za-z.+-]*)-$target\.tar\.gz)$"
        $line = Get-Content (Join-Path $work 'SHA256SUMS') | Where-Object { $_ -match $pattern } | Select-Object -First 1
        if (-not $line) { Stop-Install "That release has no archive for $target." 'With Node: npm install -g ohmygpu' }
        $null = $line -match $pattern
        $expected, $archive, $name = $Matches[1], $Matches[2], $Matches[3]
        if ($Version -and $name -ne $Version) { Stop-Install "The release $Version lists an archive of $name." }
        Write-Host "Downloading omg $name for $target"
        $file = Join-Path $work $archive
        Get-File "$Releases/download/v$name/$archive" $file
        $actual = (Get-FileHash -Algorithm SHA256 $file).Hash.ToLowerInvariant()
        if ($actual -ne $expected) { Stop-Install "$archive does not match its checksum. Nothing was changed." }
        & (Join-Path $env:SystemRoot 'System32\tar.exe') -xzf $file -C $work
        if ($LASTEXITCODE -ne 0) { Stop-Install "$archive could not be unpacked. Nothing was changed." }
        $unpacked = Join-Path $work ($archive -replace '\.tar\.gz$', '')
        $says = & (Join-Path $unpacked 'bin\omg.cmd') --version
        if ($says -ne $name) { Stop-Install "The archive of $name says that it is $says. Nothing was changed." }

        $place = Join-Path $versions $name
        # A file that a daemon has open cannot be replaced here, so a version that is in use stays as it is.
        if (Test-Path $place) {
            try { Move-Item $place (Join-Path $work 'replaced') }
            catch { Stop-Install "omg $name is running and cannot be replaced." 'omg serve stop, then run this again.' }
        }
        Move-Item $unpacked $place
        Set-Launcher 'omg' $name
        Set-Launcher 'ohmygpu' $name
        $says = & (Join-Path $Prefix 'bin\omg.cmd') --version
        if ($says -ne $name) { Stop-Install "omg --version says $says and not $name." }
        Get-ChildItem $versions | Where-Object { $_.Name -ne $name -and $_.Name -ne $before } |
            ForEach-Object { Remove-Item -Recurse -Force -ErrorAction SilentlyContinue $_.FullName }
        Write-Host "Installed omg $name in $Prefix"
        Add-ToPath (Join-Path $Prefix 'bin')
        if (Test-Path (Join-Path (Get-OmgHome) 'daemon.pid')) {
            Write-Host 'A daemon that runs goes on with its version. To change it: omg serve stop; omg serve -d'
        }
    }
    finally { Remove-Item -Recurse -Force -ErrorAction SilentlyContinue $work }
}

function Uninstall-Omg {
    $omg = Join-Path $Prefix 'bin\omg.cmd'
    if ($null -eq (Get-LinkedVersion)) { Stop-Install "No omg of this installer is in $Prefix." 'Say where with -Prefix.' }
    & $omg service uninstall --quiet 2>$null | Out-Null
    & $omg serve stop --quiet 2>$null | Out-Null
    Remove-FromPath (Join-Path $Prefix 'bin')
    foreach ($name in 'bin', 'versions') { Remove-Item -Recurse -Force (Join-Path $Prefix $name) }
    if (-not (Get-ChildItem -Force $Prefix)) { Remove-Item $Prefix }
    $omgHome = Get-OmgHome
    # By name and not all at once: the folder may be one that a person chose and shares.
    foreach ($name in 'config.toml', 'aliases.yaml', 'keys.json', 'daemon.pid', 'history', 'chats', 'logs', 'backends', 'service.xml') {
        $path = Join-Path $omgHome $name
        if (Test-Path $path) { Remove-Item -Recurse -Force $path }
    }
    if (Test-Path (Join-Path $omgHome 'models')) { Write-Host "Models stay in $(Join-Path $omgHome 'models')" }
    Write-Host "Removed omg from $Prefix"
}

# In a function, so that a shell that runs this by iex keeps its own preferences.
function Invoke-Installer {
    $ErrorActionPreference = 'Stop'
    Set-StrictMode -Version Latest
    # Drawing the bar takes longer than the download in PowerShell 5.
    $ProgressPreference = 'SilentlyContinue'
    if ($Uninstall) { Uninstall-Omg } else { Install-Omg }
}

Invoke-Installer

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
# Public keys (P-256, DER, base64), one of which has signed every release; `npm run gen` keeps them equal to scripts/release-keys.ts.
$Keys = @('MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjt/NyHW/Ijd9/XHvOLgVSypTdXlj7dELVFUn86S7/En/9FQinRi4M79wLNEejkfSyg4obkaCZLRQwQK1Q4RWWg==')

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
    if ($Url -notmatch '^(https://|http://(127\.0\.0\.1|localhost):\d+/)') { Stop-Install 'OMG_RELEASES has to begin with https://.' }
    try { Invoke-WebRequest -UseBasicParsing -Uri $Url -OutFile $Path }
    catch { Stop-Install "$Url could not be downloaded: $($_.Exception.Message)" 'Check the network, then run this again. Nothing was changed.' }
}

# The 32 bytes of a number in a DER signature, which writes no leading zeros but one that keeps it positive; $null where there is none.
function Get-SignatureNumber([byte[]]$Der, [int]$At) {
    if ($At + 2 -gt $Der.Length -or $Der[$At] -ne 2) { return $null }
    $length = [int]$Der[$At + 1]
    $from = $At + 2
    if ($length -lt 1 -or $length -gt 33 -or $from + $length -gt $Der.Length) { return $null }
    if ($length -eq 33) {
        if ($Der[$from] -ne 0) { return $null }
        $from++
        $length--
    }
    $number = New-Object byte[] 32
    [Array]::Copy($Der, $from, $number, 32 - $length, $length)
    return , $number
}

# Windows wants the two numbers of a signature side by side; $null where the DER form that releases have holds none.
function Get-PlainSignature([string]$Base64) {
    try { $der = [Convert]::FromBase64String(($Base64 -replace '\s', '')) } catch { return $null }
    if ($der.Length -lt 8 -or $der[0] -ne 0x30 -or $der[1] -ne $der.Length - 2) { return $null }
    $r = Get-SignatureNumber $der 2
    if ($null -eq $r) { return $null }
    $next = 4 + $der[3]
    $s = Get-SignatureNumber $der $next
    if ($null -eq $s -or $next + 2 + $der[$next + 1] -ne $der.Length) { return $null }
    return , [byte[]]($r + $s)
}

# A public key as Windows wants it: the magic number ECS1, the size, then the point, which are the last 64 bytes of the DER form.
function Get-KeyBlob([string]$Base64) {
    $der = [Convert]::FromBase64String($Base64)
    $header = [Convert]::FromBase64String('MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE')
    if ($der.Length -ne $header.Length + 64) { Stop-Install 'A key of this script is none for P-256.' }
    $blob = New-Object byte[] 72
    [Array]::Copy([byte[]](0x45, 0x43, 0x53, 0x31, 32, 0, 0, 0), $blob, 8)
    [Array]::Copy($der, $header.Length, $blob, 8, 64)
    return , $blob
}

# Ends the script where none of the keys has signed a file. The classes are those of Windows PowerShell 5, which PowerShell 7 has too.
function Assert-Signed([string]$Path, [string]$Base64) {
    $hasher = [System.Security.Cryptography.SHA256]::Create()
    $hash = $hasher.ComputeHash([IO.File]::ReadAllBytes($Path))
    $signature = Get-PlainSignature $Base64
    if ($null -ne $signature) {
        foreach ($key in $Keys) {
            $format = [System.Security.Cryptography.CngKeyBlobFormat]::EccPublicBlob
            $cng = [System.Security.Cryptography.CngKey]::Import((Get-KeyBlob $key), $format)
            $ecdsa = New-Object System.Security.Cryptography.ECDsaCng -ArgumentList $cng
            if ($ecdsa.VerifyHash($hash, $signature)) { return }
        }
    }
    Stop-Install "The release is not signed with a key of omg's makers." "Whoever runs $Releases, or somebody on the way, may have changed it. Nothing was changed here."
}

# Whether version A comes before version B by the rules of semver.
function Test-Older([string]$A, [string]$B) {
    $left, $right = foreach ($text in $A, $B) {
        $core, $pre = ($text -replace '\+.*', '') -split '-', 2
        , @(@($core -split '\.'), @(if ($pre) { $pre -split '\.' }))
    }
    for ($at = 0; $at -lt 3; $at++) {
        $difference = [long]$left[0][$at] - [long]$right[0][$at]
        if ($difference -ne 0) { return $difference -lt 0 }
    }
    if ($left[1].Count -eq 0 -or $right[1].Count -eq 0) { return $left[1].Count -gt 0 -and $right[1].Count -eq 0 }
    for ($at = 0; $at -lt [Math]::Min($left[1].Count, $right[1].Count); $at++) {
        $one, $other = $left[1][$at], $right[1][$at]
        if ($one -ceq $other) { continue }
        $isNumber, $isOtherNumber = ($one -match '^\d+$'), ($other -match '^\d+$')
        if ($isNumber -and $isOtherNumber) { return [long]$one -lt [long]$other }
        if ($isNumber -ne $isOtherNumber) { return $isNumber }
        return [string]::CompareOrdinal($one, $other) -lt 0
    }
    return $left[1].Count -lt $right[1].Count
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
        # From the folder of that version: the latest may become another one in between.
        $signature = Join-Path $work 'SHA256SUMS.sig'
        Get-File "$Releases/download/v$name/SHA256SUMS.sig" $signature
        Assert-Signed (Join-Path $work 'SHA256SUMS') (Get-Content -Raw $signature)
        # A site can offer an old release, which is signed as well, as the latest.
        if (-not $Version -and $before -and (Test-Older $name $before)) {
            Stop-Install "The latest release is said to be $name, and $before is installed." "To go back to it: -Version $name"
        }
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
    foreach ($name in 'config.toml', 'configurations.json', 'template-verdicts.json', 'aliases.yaml', 'keys.json', 'daemon.pid', 'history', 'chats', 'logs', 'backends', 'service.xml') {
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
    # Where the system does not choose (0), PowerShell 5 offers only what servers no longer take.
    if ([int][Net.ServicePointManager]::SecurityProtocol -ne 0) {
        [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    }
    if ($Uninstall) { Uninstall-Omg } else { Install-Omg }
}

Invoke-Installer

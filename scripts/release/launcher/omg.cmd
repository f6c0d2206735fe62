@"%~dp0..\runtime\node.exe" "%~dp0..\scripts\bin\omg.mjs" %*

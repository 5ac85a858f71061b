using Singa.Actors.Bench.Startup;

/// <summary>
/// What the runtime calls before a program's own beginning if <c>DOTNET_STARTUP_HOOKS</c> names this assembly: methods that the program had compiled while it ran
/// are written to the file that <c>SINGA_STARTUP_PROFILE</c> names, when it ends.
/// </summary>
internal static class StartupHook
{
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable("SINGA_STARTUP_PROFILE") is not { Length: > 0 } file)
            return;
        var compiled = new CompiledMethods();
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            var profile = new Profile(Path.GetFileNameWithoutExtension(file));
            int count = compiled.Stop().Count(profile.Add);
            File.WriteAllBytes(file, profile.Build());
            Console.Error.WriteLine($"{count} methods written to {file}");
        };
    }
}

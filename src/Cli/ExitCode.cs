namespace Singa.Actors.Cli;

/// <summary>What a script can go by.</summary>
internal static class ExitCode
{
    public const int Done = 0, Refused = 1, Usage = 2, Failed = 3, Interrupted = 130;
}

namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>Tests of whole clusters that take minutes.</summary>
internal static class LongForm
{
    public static void Only() => Skip.IfNot(Environment.GetEnvironmentVariable("SINGA_LONG") == "1", "takes minutes: set SINGA_LONG=1");
}

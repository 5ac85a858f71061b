namespace Singa.Actors.Runtime.Tests;

/// <summary>Tests that keep all cores busy for seconds: they run by themselves, so that others' deadlines hold.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Busy
{
    public const string Name = "busy";
}

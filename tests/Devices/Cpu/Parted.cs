using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Cpu;

internal static class Parted
{
    /// <summary>The same plan with each link of a joined kernel an operation of its own.</summary>
    public static Plan Of(Plan plan) => plan with
    {
        Sections = [.. plan.Sections.Select(s => s with
        {
            Operations = [.. s.Operations.SelectMany(o => o.Kernel is JoinedKernel joined ? joined.Links.Select(l => new Operation(l.Name, l.Kernel, o.Reads, o.Writes)) : [o])],
        })],
    };
}

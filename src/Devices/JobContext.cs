using Singa.Actors.Devices.Queue;

namespace Singa.Actors.Devices;

/// <summary>A job as its device knows it.</summary>
internal sealed record JobContext(LoadedPlan Plan, IExchange Exchange)
{
    /// <summary>Says which operation failed, of what, where and why.</summary>
    public string Failure(QueuedOperation operation, string why)
    {
        var section = Plan.Plan.Sections[operation.Section];
        return $"operation '{section.Operations[operation.Index].Name}' of section '{section.Name}' failed on {Plan.Backend.Properties.Name}: {why}";
    }
}

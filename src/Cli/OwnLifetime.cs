using Microsoft.Extensions.Hosting;

namespace Singa.Actors.Cli;

/// <summary>Signals end what the command does and the host after it; the usual lifetime would end both at once.</summary>
internal sealed class OwnLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Into how many parts work is worth cutting; <paramref name="perPart"/> as in <see cref="CpuOptions.WorkPerPart"/>.</summary>
public sealed class Work(long perPart)
{
    /// <summary>Multiply-adds below which a product or a convolution is not cut: nobody is woken for so little.</summary>
    public const double MultiplyAddsMin = 100_000;

    private const int PartsPerThread = 4;

    /// <param name="elements">Elements touched.</param>
    /// <param name="instructions">Instructions for each.</param>
    /// <param name="threads">Size of the team.</param>
    /// <param name="most">More parts than that there cannot be.</param>
    public int Parts(long elements, int instructions, int threads, long most) => elements == 0 ? 0 : Parts(Of(elements, instructions), threads, most);

    /// <param name="effort">Of all of it, as <see cref="Of"/> counts it.</param>
    /// <inheritdoc cref="Parts(long, int, int, long)"/>
    public int Parts(long effort, int threads, long most) =>
        most == 0 ? 0 : threads == 1 ? 1 : (int)Math.Clamp(effort / perPart, 1, Math.Min(most, threads * PartsPerThread));

    public static long Of(long elements, int instructions) => elements * (4 + instructions) / 4;
}

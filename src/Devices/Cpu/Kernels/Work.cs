namespace Singa.Actors.Devices.Cpu.Kernels;

/// <summary>Into how many parts work is worth cutting; <paramref name="perPart"/> as in <see cref="CpuOptions.WorkPerPart"/>.</summary>
public sealed class Work(long perPart)
{
    private const int PartsPerThread = 4;

    /// <param name="elements">Elements touched.</param>
    /// <param name="instructions">Instructions for each.</param>
    /// <param name="threads">Size of the team.</param>
    /// <param name="most">More parts than that there cannot be.</param>
    public int Parts(long elements, int instructions, int threads, long most)
    {
        if (elements == 0 || most == 0)
            return 0;
        long work = elements * (4 + instructions) / 4;
        return threads == 1 ? 1 : (int)Math.Clamp(work / perPart, 1, Math.Min(most, threads * PartsPerThread));
    }
}

using System.Reflection.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// The parts that functions over a row are made of: pointers in locals, arguments as values, results back to memory.
/// In vectors a source that does not lie contiguously, or is of bytes, goes through a <em>stage</em> of one step, lane by lane;
/// so do all operands in the row's last, incomplete step, so that nothing beyond the row is read or written and the program
/// is written once.
/// </summary>
internal sealed class RowEmitter
{
    private const int Alignment = 64;

    private readonly int stageBytes;
    private readonly ILGenerator il;
    private readonly LaneProgram program;
    private readonly VectorWidth? width;
    private readonly RowOperand[] operands;
    private readonly LocalBuilder[] pointers;
    private readonly LocalBuilder?[] repeated;
    private readonly LocalBuilder stage;

    public RowEmitter(ILGenerator il, ScalarProgram program, int targets, long[] strides, VectorWidth? width, int laneSize, int step)
    {
        stageBytes = Math.Max(step * laneSize, Alignment);
        (this.il, this.width, LaneSize) = (il, width, laneSize);
        this.program = new LaneProgram(il, program, width, laneSize);
        int sources = program.Arguments.Length;
        operands = new RowOperand[sources + targets];
        for (int i = 0; i < operands.Length; i++)
        {
            operands[i] = i < sources
                ? new RowOperand(i, program.Arguments[i], strides[i], false)
                : new RowOperand(i, program.Instructions[program.Results[i - sources]].Type, strides[i], true);
        }

        pointers = [.. operands.Select(_ => il.DeclareLocal(typeof(byte*)))];
        repeated = new LocalBuilder?[operands.Length];
        stage = il.DeclareLocal(typeof(byte*));
        Index = il.DeclareLocal(typeof(long));
        Limit = il.DeclareLocal(typeof(long));
    }

    public int LaneSize { get; }

    public bool IsVector => width is not null;

    /// <summary>Whole vectors of results go past the caches; targets must begin at multiples of a vector.</summary>
    public bool IsPast { get; init; }

    /// <summary>Of each source, how far behind what is loaded a line is fetched, in bytes; 0, or left out: none is.</summary>
    public long[] Ahead { get; init; } = [];

    public int Lanes => width is { } bytes ? (int)bytes / LaneSize : 1;

    /// <summary>Which element of the row comes next.</summary>
    public LocalBuilder Index { get; }

    /// <summary>How many lanes of the next block exist.</summary>
    public LocalBuilder Limit { get; }

    public IEnumerable<RowOperand> Targets => operands.Where(o => o.IsTarget);

    /// <summary>Whether what is staged makes a step of more than one vector at a time pointless.</summary>
    public bool IsStaged => width is not null && operands.Any(o => !o.IsRepeated && !o.IsDirect);

    /// <summary>Memory for stages, once; then the row's beginning.</summary>
    public void Prologue()
    {
        Stages();
        Begin();
    }

    /// <summary>Pointers from the caller's array, and what repeats along the row.</summary>
    public void Begin()
    {
        foreach (var operand in operands)
        {
            LoadPointer(operand);
            il.Emit(OpCodes.Stloc, pointers[operand.Index]);
        }

        foreach (var operand in operands.Where(o => o.IsRepeated))
        {
            var lanes = program.Lanes(operand.DType);
            repeated[operand.Index] = il.DeclareLocal(lanes.Value);
            il.Emit(OpCodes.Ldloc, pointers[operand.Index]);
            LoadElement(operand);
            lanes.Broadcast(il);
            il.Emit(OpCodes.Stloc, repeated[operand.Index]!);
        }
    }

    /// <summary>In the caller's array, to the next row: argument <paramref name="steps"/> has as many bytes for each of so many pointers.</summary>
    public void Next(short steps, int operands)
    {
        for (int i = 0; i < operands; i++)
        {
            Place(Emitted.Pointers);
            il.Emit(OpCodes.Dup);
            il.Emit(OpCodes.Ldind_I);
            Place(steps);
            il.Emit(OpCodes.Ldind_I);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stind_I);

            void Place(short array)
            {
                il.Emit(OpCodes.Ldarg, array);
                Emitted.Offset(il, i * IntPtr.Size);
            }
        }
    }

    /// <summary>Memory for them is taken from the stack, once a call.</summary>
    public void Stages()
    {
        if (width is null)
            return;
        program.Begin();
        il.Emit(OpCodes.Ldc_I4, operands.Length * stageBytes + Alignment);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Localloc);
        il.Emit(OpCodes.Ldc_I4, Alignment - 1);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldc_I4, -Alignment);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.And);
        il.Emit(OpCodes.Stloc, stage);
    }

    /// <summary>The program on the vector that begins <paramref name="vector"/> vectors after <see cref="Index"/>.</summary>
    public LocalBuilder[] Values(int vector) => program.Emit(i => Load(operands[i], vector));

    public void Store(RowOperand target, LocalBuilder value, int vector)
    {
        if (width is not null && !target.IsDirect)
        {
            Stage(target);
            il.Emit(OpCodes.Ldloc, value);
            program.Lanes(target.DType).Store(il);
            Unstage(target);
            return;
        }

        if (IsPast)
        {
            il.Emit(OpCodes.Ldloc, value);
            Address(target, vector);
            program.Lanes(target.DType).StorePast(il);
            return;
        }

        Address(target, vector);
        il.Emit(OpCodes.Ldloc, value);
        StoreElementOrVector(target);
    }

    /// <summary>The elements that are left, fewer than a vector, go to the stages, and the direct pointers with them.</summary>
    public void RedirectSources() => Redirect(o => !o.IsTarget, copy: true);

    /// <summary>Results go to the stages from now on.</summary>
    public void RedirectTargets() => Redirect(o => o.IsTarget, copy: false);

    /// <summary>The last elements, as many as <see cref="Limit"/> says, from the stages to where they belong.</summary>
    public void CopyTargetsBack()
    {
        foreach (var operand in operands.Where(o => o.IsTarget && o.IsDirect))
        {
            // The pointer was moved; the caller's array still has it.
            LoadPointer(operand);
            Displace(operand, 0);
            il.Emit(OpCodes.Stloc, pointers[operand.Index]);
            ForEachLane(lane =>
            {
                il.Emit(OpCodes.Ldloc, pointers[operand.Index]);
                Displace(lane, operand.Size);
                Stage(operand, lane, operand.Size);
                CopyElement(operand);
            });
        }
    }

    private void Redirect(Func<RowOperand, bool> which, bool copy)
    {
        foreach (var operand in operands.Where(o => o.IsDirect && which(o)))
        {
            if (copy)
            {
                ForEachLane(lane =>
                {
                    Stage(operand, lane, operand.Size);
                    LaneAddress(operand, lane);
                    CopyElement(operand);
                });
            }

            // Such that pointer + index is the stage.
            Stage(operand);
            il.Emit(OpCodes.Ldloc, Index);
            il.Emit(OpCodes.Conv_I);
            il.Emit(OpCodes.Ldc_I4, operand.Size);
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Sub);
            il.Emit(OpCodes.Stloc, pointers[operand.Index]);
        }
    }

    // target, source → . A loop over elements, not a block copy: a call would push the loop's vectors out of their registers.
    private void CopyElement(RowOperand operand)
    {
        if (operand.IsHalf)
        {
            il.Emit(OpCodes.Ldind_U2);
            il.Emit(OpCodes.Stind_I2);
            return;
        }

        var element = Simd.Of(operand.DType, null);
        element.Load(il);
        element.Store(il);
    }

    private void LoadPointer(RowOperand operand)
    {
        il.Emit(OpCodes.Ldarg, Emitted.Pointers);
        il.Emit(OpCodes.Ldc_I4, operand.Index * IntPtr.Size);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldind_I);
    }

    private void Load(RowOperand source, int vector)
    {
        if (source.IsRepeated)
        {
            il.Emit(OpCodes.Ldloc, repeated[source.Index]!);
        }
        else if (width is null)
        {
            Address(source, vector);
            LoadElement(source);
        }
        else if (source.IsDirect)
        {
            if (source.Index < Ahead.Length && Ahead[source.Index] > 0)
            {
                Address(source, vector);
                il.Emit(OpCodes.Ldc_I8, Ahead[source.Index]);
                il.Emit(OpCodes.Conv_I);
                il.Emit(OpCodes.Add);
                Cache.Fetch(il);
            }

            Address(source, vector);
            if (source.IsHalf)
                HalfLanes.Load(il, width);
            else
                program.Lanes(source.DType).Load(il);
        }
        else
        {
            if (vector == 0)
                FillStage(source);
            Stage(source);
            il.Emit(OpCodes.Ldc_I4, vector * Lanes * LaneSize);
            il.Emit(OpCodes.Add);
            program.Lanes(source.DType).Load(il);
        }
    }

    private void FillStage(RowOperand source) => ForEachLane(lane =>
    {
        Stage(source, lane);
        LaneAddress(source, lane);
        LoadElement(source);
        Simd.Of(program.Lanes(source.DType).DType, null).Store(il);
    });

    private void Unstage(RowOperand target) => ForEachLane(lane =>
    {
        LaneAddress(target, lane);
        Stage(target, lane);
        Simd.Of(program.Lanes(target.DType).DType, null).Load(il);
        if (target.DType == DType.Bool)
        {
            il.Emit(OpCodes.Conv_I4);
            il.Emit(OpCodes.Ldc_I4_1);
            il.Emit(OpCodes.And);
        }

        StoreElement(target);
    });

    private void ForEachLane(Action<LocalBuilder> body)
    {
        var lane = il.DeclareLocal(typeof(long));
        var (again, test) = (il.DefineLabel(), il.DefineLabel());
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Conv_I8);
        il.Emit(OpCodes.Stloc, lane);
        il.Emit(OpCodes.Br, test);
        il.MarkLabel(again);
        body(lane);
        il.Emit(OpCodes.Ldloc, lane);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Conv_I8);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, lane);
        il.MarkLabel(test);
        il.Emit(OpCodes.Ldloc, lane);
        il.Emit(OpCodes.Ldloc, Limit);
        il.Emit(OpCodes.Blt, again);
    }

    private void Stage(RowOperand operand)
    {
        il.Emit(OpCodes.Ldloc, stage);
        il.Emit(OpCodes.Ldc_I4, operand.Index * stageBytes);
        il.Emit(OpCodes.Add);
    }

    private void Stage(RowOperand operand, LocalBuilder lane) => Stage(operand, lane, LaneSize);

    private void Stage(RowOperand operand, LocalBuilder lane, int bytes)
    {
        Stage(operand);
        Displace(lane, bytes);
    }

    private void Displace(LocalBuilder lane, int bytes)
    {
        il.Emit(OpCodes.Ldloc, lane);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Ldc_I4, bytes);
        il.Emit(OpCodes.Mul);
        il.Emit(OpCodes.Add);
    }

    private void Address(RowOperand operand, int vector)
    {
        il.Emit(OpCodes.Ldloc, pointers[operand.Index]);
        Displace(operand, vector);
    }

    // pointer → pointer to the element at the index
    private void Displace(RowOperand operand, int vector)
    {
        il.Emit(OpCodes.Ldloc, Index);
        il.Emit(OpCodes.Conv_I);
        Scale(operand.Stride * operand.Size);
        il.Emit(OpCodes.Add);
        if (vector == 0)
            return;
        il.Emit(OpCodes.Ldc_I4, vector * Lanes * operand.Size);
        il.Emit(OpCodes.Add);
    }

    private void LaneAddress(RowOperand operand, LocalBuilder lane)
    {
        il.Emit(OpCodes.Ldloc, pointers[operand.Index]);
        il.Emit(OpCodes.Ldloc, Index);
        il.Emit(OpCodes.Ldloc, lane);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Conv_I);
        Scale(operand.Stride * operand.Size);
        il.Emit(OpCodes.Add);
    }

    private void Scale(long bytes)
    {
        il.Emit(OpCodes.Ldc_I8, bytes);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Mul);
    }

    // address → element, as the lanes have it
    private void LoadElement(RowOperand source)
    {
        if (source.IsHalf)
        {
            HalfLanes.Load(il, null);
            return;
        }

        if (source.Size > 1)
        {
            Simd.Of(source.DType, null).Load(il);
            return;
        }

        il.Emit(OpCodes.Ldind_U1);
        if (source.DType == DType.Bool && width is not null)
            il.Emit(OpCodes.Neg);
        if (width is not null && LaneSize == 8)
            il.Emit(OpCodes.Conv_I8);
    }

    private void StoreElement(RowOperand target)
    {
        if (target.IsHalf)
            HalfLanes.Store(il, null);
        else if (target.Size > 1)
            Simd.Of(target.DType, null).Store(il);
        else
            il.Emit(OpCodes.Stind_I1);
    }

    private void StoreElementOrVector(RowOperand target)
    {
        if (width is null)
            StoreElement(target);
        else if (target.IsHalf)
            HalfLanes.Store(il, width);
        else
            program.Lanes(target.DType).Store(il);
    }
}

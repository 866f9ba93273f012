-- How many standard deviations around the mean of a normal distribution hold a share
-- of it: 0.95 gives 1.959964. Wichura's AS 241 (PPND7): seven digits below 1 - 1e-10.
create or replace macro z_score(confidence) as
    if(
        confidence <= 0.85,
        confidence / 2
        * polynomial(
            [59.109374720, 159.29113202, 50.434271938, 3.3871327179],
            0.180625 - confidence ** 2 / 4
        )
        / polynomial(
            [67.187563600, 78.757757664, 17.895169469, 1],
            0.180625 - confidence ** 2 / 4
        ),
        polynomial(
            [0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777],
            sqrt(-ln((1 - confidence) / 2)) - 1.6
        )
        / polynomial(
            [0.12021132975, 0.73700164250, 1],
            sqrt(-ln((1 - confidence) / 2)) - 1.6
        )
    )
